"""Moments of a run, read from strace: which call of which process belongs to which state."""
import re
import shutil
import subprocess
import time

STATES = ("admit", "assign", "claim", "run", "finish", "settle")
ROLE = {"admit": "coordinator", "assign": "coordinator", "settle": "coordinator",
        "claim": "worker", "run": "worker", "finish": "worker"}
CALLS = {
    "coordinator": ["renameat2", "linkat", "write", "unlinkat", "mkdirat", "syncfs", "pwrite64",
                    "fdatasync", "openat2"],
    "worker": ["renameat2", "linkat", "write", "unlinkat", "mkdirat", "fsync", "openat2",
               "openat", "fchmod", "clone3"],
}
LINE = re.compile(r"^(?:(\d+) +)?(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
RESULT = re.compile(r"= (\d+)(?:<|$| )")


def before(role, output, call=None, when=None):
    """The command line that goes before a program: it is traced, and killed at one call."""
    calls = set(CALLS[role]) if call is None else {call}
    if role == "worker" or call is None:
        calls.add("clone3")
    if role == "coordinator":
        calls |= {"openat2", "renameat2"}
    line = [shutil.which("strace") or "strace", "-D", "-q", "-y", "-s", "160", "-o", output,
            "-e", "trace=" + ",".join(sorted(calls))]
    # The coordinator works on one thread; a worker has one for each slot.
    line += ["-f"] if role == "worker" else []
    if call is not None:
        return line + ["-e", f"inject={call}:signal=SIGKILL:when={when}"]
    # Faster; strace cannot send signals this way.
    return line + (["--seccomp-bpf"] if role == "worker" else [])


def wait_for_end(path, pid, seconds=10):
    """Waits until strace has written the end of a process."""
    ending = re.compile(rf"^(?:{pid} +)?\+\+\+ ", re.MULTILINE)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with open(path, encoding="utf-8", errors="replace") as file:
            if ending.search(file.read()):
                return
        time.sleep(0.01)


def threads(lines, pid):
    """The threads of a process, as far as the trace names them."""
    own, asked = {pid}, {}
    for line in lines:
        started = LINE.match(line)
        if started and started[2] == "clone3":
            asked[started[1]] = "CLONE_THREAD" in started[3]
            made = RESULT.search(started[3])
        else:
            resumed = RESUMED.match(line)
            if not resumed or resumed[2] != "clone3":
                continue
            started, made = resumed, RESULT.search(resumed[3])
        if made and asked.get(started[1]) and started[1] in own:
            own.add(made[1])
    return own


def coordinator_state(state, call, text):
    """The state that the coordinator is at work on, from the state so far and its next call."""
    if call == "openat2":
        if '"control"' in text or '"workers"' in text:
            return None
        if '/incoming>, "' in text or '"incoming/' in text:
            return "admit"
        if '.item"' in text:
            return "settle"
        if "O_PATH" in text and "O_DIRECTORY" in text and (
                '"ready/' in text or "/inbox\"" in text):
            return "assign"
    if call == "renameat2" and "/inbox>" in text:
        return "assign"
    return state


def worker_state(is_main, call, text):
    if "/outbox" in text or (call == "unlinkat" and "/inbox>" in text):
        return "finish"
    if "/running" in text:
        return "claim"
    return None if is_main else "run"


def events(path, role, pid):
    """(thread, call, its number in that thread, state) in the order of the trace."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    pid = str(pid)
    own = threads(lines, pid) if role == "worker" else {pid}
    counts, found, state = {}, [], None
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        thread, call, text = match[1] or pid, match[2], match[3]
        number = counts[thread, call] = counts.get((thread, call), 0) + 1
        if thread not in own:
            found.append((thread, call, number, None))
            continue
        if role == "coordinator":
            state = coordinator_state(state, call, text)
            found.append((thread, call, number, state))
        else:
            found.append((thread, call, number, worker_state(thread == pid, call, text)))
    return found


def candidates(found):
    """The moments by state: for each call and number only the first thread that gets there, since
    that is the one which dies."""
    first, by_state = set(), {}
    for _, call, number, state in found:
        if (call, number) in first:
            continue
        first.add((call, number))
        if state and not (call in ("write", "openat2", "openat") and number < 40):
            by_state.setdefault(state, []).append((call, number))
    return by_state


def state_of_kill(path, role, pid, call, when):
    """Where a process was when it was killed; None where it was not, or outside every state."""
    for _, name, number, state in events(path, role, pid):
        if name == call and number == when:
            return state
    return None


def strace_works():
    """True where strace can kill at a call here."""
    if not shutil.which("strace"):
        return False
    done = subprocess.run(["strace", "-q", "-o", "/dev/null", "-e", "trace=getppid", "true"],
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode == 0
