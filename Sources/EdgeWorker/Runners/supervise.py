"""The first process of the verify sandbox: starts each test file, collects, reports.

Input (descriptor 0): 8 hexadecimal digits n, then n bytes of JSON (the plan), then the nonce to
its end.
Output (descriptor 3): one JSON document, written when no process of the candidate is left.

Candidate code never runs in this process. Each test file gets a child of its own, which sends
records through a pipe, each led by a token of that child. What a child can and cannot
forge is written in guard.py. What no child can do, whatever runs in it:
 * write the final report: descriptor 3 is closed in the child, this process is not dumpable
   (so its /proc entries belong to root), and the nonce is read only when all children are dead;
 * speak after its file ended: records count while the child itself is alive, and everything
   it left behind is killed before the next file starts;
 * pass by leaving early: without the last record none of the file's tests counts.
Only modules that cost nothing to load are imported: start-up is most of a small task's time.
"""
import os
import sys
from _json import encode_basestring_ascii as quote, make_scanner

RECORDS_MAX = 8 << 20  # bytes that one child may send
MESSAGE_MAX = 2000  # characters kept of one message
TESTS_MAX = 20000
REPORT_MAX = 3 << 20  # bytes of the report, beyond which messages are left out
# Runners that are modules of ours, with what they import; their children are forks.
IN_PROCESS = {"python": ("strict", "guard", "plain"), "pytest": ("strict", "guard", "pytests")}


class Grammar:
    """What json.decoder would hand to the C scanner; json itself takes 10 ms to import."""

    strict, object_hook, object_pairs_hook, memo = True, None, None, {}
    parse_float, parse_int, parse_constant = float, int, None


decode = make_scanner(Grammar)


def encode(value):
    """Canonical enough JSON: ASCII, no spaces; lone surrogates become question marks."""
    if value is None or value is True or value is False:
        return "null" if value is None else "true" if value else "false"
    if isinstance(value, str):
        return quote(value.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([encode(item) for item in value]) + "]"
    return "{" + ",".join([encode(k) + ":" + encode(v) for k, v in value.items()]) + "}"


def read_exactly(count):
    data = b""
    while len(data) < count:
        piece = os.read(0, count - len(data))
        if not piece:
            raise EOFError("the plan is cut short")
        data += piece
    return data


def process_control(option, value):
    """prctl(2) through _ctypes alone: a third of the cost of importing ctypes."""
    import _ctypes

    # Whoever is copied from this process has to import it anew, and guard.py refuses that.
    sys.modules.pop("_ctypes", None)
    library = _ctypes.dlopen(None, 0)
    return _ctypes.call_function(_ctypes.dlsym(library, "prctl"), (option, value, 0, 0, 0))


def protect(without):
    if "proc" not in without and process_control(4, 0) != 0:  # PR_SET_DUMPABLE
        raise OSError("this process cannot be made undumpable")
    if "linger" not in without and process_control(36, 1) != 0:  # PR_SET_CHILD_SUBREAPER
        raise OSError("this process cannot adopt what its children leave behind")


def children():
    """Processes whose parent is this one; the kernel hands orphans to a subreaper."""
    found, me = [], os.getpid()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/" + name + "/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[1]) == me:
                        found.append(int(name))
            except (OSError, IndexError, ValueError):
                pass
    return found


def reap_all():
    """Kills and reaps until nothing is left, however deep the tree was."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                for pid in children():
                    try:
                        os.kill(pid, 9)
                    except OSError:
                        pass
                os.waitpid(-1, 0)
        except ChildProcessError:
            return


def pump(source, pid):
    """All that the child wrote until it ended, and its wait status."""
    import select

    data, status, size = [], None, 0
    poll = select.poll()
    poll.register(source, select.POLLIN)
    try:
        handle, pause = os.pidfd_open(pid), None
        poll.register(handle, select.POLLIN)
    except OSError:
        handle, pause = -1, 5  # not offered here: ask every 5 ms
    os.set_blocking(source, False)
    while True:
        ready = dict(poll.poll(pause))
        if handle in ready or pause:
            ended, code = os.waitpid(pid, 0 if handle in ready else os.WNOHANG)
            status = code if ended else None
        try:
            while True:
                piece = os.read(source, 1 << 16)
                if not piece:
                    if status is None:
                        poll.unregister(source)
                    break
                size += len(piece)
                if size <= RECORDS_MAX:
                    data.append(piece)
                if status is not None and size > RECORDS_MAX:
                    break
        except BlockingIOError:
            pass
        if status is not None:
            if handle >= 0:
                os.close(handle)
            return b"".join(data), status


def start(plan, file):
    """Starts the child for one test file: its pid, the end of its record pipe, and its token.

    A forked child makes its token itself and announces it (guard.lock), because it inherits our
    stack, where any code can look.
    """
    source, sink = os.pipe()
    token = None
    if plan["runner"] in IN_PROCESS:
        pid = os.fork()
        if pid == 0:
            try:
                os.closerange(3, sink)  # the report, however often it was handed to us
                os.closerange(sink + 1, 1024)
                quiet = os.open("/dev/null", os.O_RDONLY)
                os.dup2(quiet, 0)
                os.close(quiet)
                sys.modules[IN_PROCESS[plan["runner"]][-1]].main(plan, file, sink, quote)
            except BaseException as error:  # reported by the missing last record
                os.write(2, ("runner: %r\n" % (error,)).encode("utf-8", "replace"))
            finally:
                os._exit(70)
    else:
        token = os.urandom(16).hex()
        order = encode({**plan, "file": file, "token": token}).encode()
        if plan["runner"] == "shell":
            order = "\n".join([token, file, plan["tests"] + "/" + file, ""]).encode()
        intake, feed = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(intake, 0)
                os.dup2(sink, 3)
                os.closerange(4, 1024)
                os.chdir(plan["workspace"])
                os.execvp(plan["program"][0], plan["program"])
            finally:
                os._exit(70)
        os.close(intake)
        try:
            os.write(feed, order)
        except BrokenPipeError:
            pass
        os.close(feed)
    os.close(sink)
    return pid, source, token


def records(data, token):
    """The child's own records in order; lines of anyone else are skipped."""
    found = []
    for line in data.split(b"\n"):
        try:
            record = decode(line.decode("utf-8"), 0)[0]
        except (StopIteration, ValueError, RecursionError):
            continue
        if not isinstance(record, list) or len(record) != 6:
            continue
        if token is None and record[1] == "token":
            token = record[0]  # the first line of a forked child, before it loads a test
        elif record[0] == token:
            _, kind, name, status, message, ms = record
            if all(isinstance(text, str) for text in (kind, name, status, message)):
                found.append((kind, name, status, message, ms if isinstance(ms, int) else 0))
    return found


def run_file(plan, file, results, broken):
    pid, source, token = start(plan, file)
    data, status = pump(source, pid)
    if "linger" not in plan["without"]:
        reap_all()
    os.close(source)
    found = records(data, token)
    ends = [record for record in found if record[0] == "end"]
    reason = ends[0][3] if ends else "the test process ended early (wait status %d)" % status
    if reason and not (ends == [] and "names" in plan["without"] and status == 0):
        broken.append(file + ": " + reason[:MESSAGE_MAX])
    for kind, name, verdict, message, ms in found:
        if kind == "test" and len(results) < TESTS_MAX:
            if reason and verdict == "passed":
                verdict, message = "failed", reason
            results.append(
                {"name": name, "status": verdict, "message": message[:MESSAGE_MAX], "ms": ms})


def main(load):
    """Reads the plan, runs its files, reports. `load` makes the modules beside this one."""
    plan = decode(read_exactly(int(read_exactly(8), 16)).decode("utf-8"), 0)[0]
    protect(plan["without"])
    for name in IN_PROCESS.get(plan["runner"], ()):
        load(name)
    results, broken = [], []
    for file in plan["files"]:
        run_file(plan, file, results, broken)
    nonce = os.read(0, 256).decode("ascii")
    report = {"schema": "edgecoder.tests/1", "nonce": nonce, "tests": results, "broken": broken}
    data = encode(report).encode("ascii")
    if len(data) > REPORT_MAX:
        for result in results:
            result["message"] = ""
        data = encode(report).encode("ascii")
    while data:
        data = data[os.write(3, data):]
    sys.stdout.flush()
    os._exit(0)
