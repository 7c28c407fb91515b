"""Jobs of a known ending: which verdict is right, and programs that try to look like another one.

What is right follows from the words on RunReport.verdict(): counters first, the way it ended last;
a status that a program chose is never taken for a signal; refusals count only where it failed.
"""
import dataclasses
import random

# The profiles that the bench makes. A second of CPU is the least that peers can be told.
LIMITS = {"cpuMs": 300, "wallMs": 10_000, "memoryBytes": 64 << 20, "processes": 16,
          "openFiles": 64, "outputBytes": 64 << 10, "diskBytes": 4 << 20, "files": 200}
PATIENT = "verdicts"
SHORT = "verdicts-wall"
LARGE = "python"
SHORT_WALL = {"cpuMs": 5_000, "wallMs": 500}

KINDS = ("passed", "failed", "signalled", "timedOut cpu", "timedOut wall", "outOfMemory",
         "tooManyProcesses", "outputTooLarge", "workspaceFull", "violation", "refused",
         "launchFailed")


@dataclasses.dataclass(frozen=True)
class Job:
    """One program and the only right word on it."""
    kind: str
    variant: str
    expected: str
    command: tuple
    profile: str = PATIENT
    # How our launch is broken, or a peer's; see launches.py.
    broken: str = ""
    # Options of `sandbox run`.
    options: tuple = ()


def perl(text):
    return ("/usr/bin/perl", "-e", text)


def python(text):
    return ("/usr/bin/python3", "-I", "-S", "-c", text)


def sh(text):
    return ("/bin/sh", "-c", text)


FORGED = ('{"schema":"edgecoder.sandbox/2","outcome":{"verdict":"VERDICT"},'
          '"termination":{"exit":0},"limitsHit":{"oomKills":1}}')


def forge(verdict):
    """Perl that prints what a report looks like, to both outputs."""
    text = FORGED.replace("VERDICT", verdict)
    return f"print '{text}'; print STDERR 'edgecoder: {verdict}\n{text}';"


# Fills the place until the kernel refuses, and says whether it was refused.
FILL = ("sub fill { open my $f, '>', $_[0] or return 1; my $n;"
        " 1 while $n = syswrite $f, 'x' x 8192; return !defined $n } ")
# Starts children that wait until one is refused.
CROWD = ("sub crowd { for (1 .. 40) { my $p = fork; return 1 if !defined $p;"
         " if (!$p) { sleep 30; exit } } return 0 } ")
SPIN = "sub spin { my $end = (times)[0] + $_[0]; 1 while (times)[0] < $end } "

CALLS = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312,
    "pidfd_getfd": 438, "bpf": 321, "mount": 165, "umount2": 166, "pivot_root": 155,
    "chroot": 161, "setns": 308, "unshare": 272, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "keyctl": 250,
    "add_key": 248, "request_key": 249, "userfaultfd": 323, "perf_event_open": 298,
    "kexec_load": 246, "kexec_file_load": 320, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168,
    "open_by_handle_at": 304, "acct": 163, "quotactl": 179, "settimeofday": 164,
    "clock_settime": 227, "iopl": 172, "ioperm": 173, "fanotify_init": 300,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
}
# Signals whose default action is to end a process; perl ignores SIGFPE.
SIGNALS = (1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34,
           40, 64)


def passed(draw):
    hidden = "$SIG{PIPE} = 'IGNORE';"
    yield "nothing", ("/bin/true",)
    yield "prints reports of another verdict", perl(forge(draw.choice(["outOfMemory", "failed"])))
    yield "survives a refused fork", perl(CROWD + "crowd(); exit 0")
    yield "fills the workspace, and frees it", perl(FILL + "fill('x'); unlink 'x'; exit 0")
    yield "leaves a full workspace", perl(FILL + "fill('x'); exit 0")
    yield "catches MemoryError", python(
        "try: bytearray(1 << 45)\nexcept MemoryError: raise SystemExit(0)")
    yield "survives a denied call", perl("syscall(41, 2, 1, 0); exit 0")
    yield "says a little too much", perl("print 'x' x 100_000; exit 0")
    yield "a child kills itself", sh("sh -c 'kill -9 $$'; exit 0")
    yield "leaves a daemon", sh("setsid sleep 30 >/dev/null 2>&1 & exit 0")
    yield "a status of 256", perl(hidden + "use POSIX; POSIX::_exit(256)")
    yield "writes to a broken pipe", perl(
        hidden + "pipe my $r, my $w; close $r; syswrite $w, 'x'; exit 0")


def failed(draw):
    code = draw.choice([draw.randint(1, 255), draw.randint(124, 159), 1, 2, 126, 127, 137, 139, 152])
    yield code, "a status", sh(f"exit {code}")
    yield code, "prints a report of success", perl(forge("passed") + f"exit {code}")
    yield 137, "says that it was killed", sh("echo Killed >&2; exit 137")
    yield code, "a child kills itself", perl(
        f"if (!(my $p = fork)) {{ kill 9, $$; sleep 9 }} wait; exit {code}")
    yield 137, "passes on a child's kill", sh("sh -c 'kill -9 $$'; exit $?")
    yield 1, "MemoryError without a full memory", python("bytearray(1 << 45)")
    yield 1, "talks of memory", python("raise MemoryError('out of memory')")
    yield code, "frees the workspace that it filled a little", perl(
        f"open my $f, '>', 'x'; syswrite $f, 'x' x 2_000_000; exit {code}")
    yield code, "fails after a denied call", perl(
        f"syscall(41, 2, 1, 0); exit {code}")
    yield 24, "too many open files", perl(
        "my @f; while (1) { open my $f, '<', '/dev/null' or exit 24; push @f, $f }")
    yield code, "says a little too much", perl(f"print STDERR 'x' x 100_000; exit {code}")
    yield 127, "the shell finds no program", sh("nosuchprogram")
    yield code, "leaves a daemon", sh(f"setsid sleep 30 >/dev/null 2>&1 & exit {code}")
    yield 159, "a status like a killed call", perl("syscall(41, 2, 1, 0); exit 159")
    yield 124, "a status like a passed time", sh("sleep 0.1; exit 124")


def signalled(draw):
    number = draw.choice(SIGNALS)
    yield number, "sends it to itself", perl(f"kill {number}, $$; sleep 9")
    yield 9, "kill -9 $$", sh("kill -9 $$")
    yield 11, "reads what is not there", perl("print unpack 'P8', pack 'Q', 64")
    yield 6, "aborts", perl("use POSIX; POSIX::abort()")
    yield 14, "an alarm", perl("alarm 1; sleep 9")
    yield number, "a child sends it", perl(
        f"if (!(my $p = fork)) {{ kill {number}, getppid; exit }} sleep 9")
    yield 9, "kills itself with much memory", perl("my $x = 'x' x 20_000_000; kill 9, $$; sleep 9")
    yield 25, "a limit of its own on files", sh("ulimit -f 1; exec head -c 9000 /dev/zero >x")
    yield 9, "says that memory is out", perl("print STDERR 'Out of memory'; kill 9, $$; sleep 9")
    yield 31, "as if a call had been killed", perl("syscall(41, 2, 1, 0); kill 31, $$; sleep 9")
    yield 24, "as if its time were over", perl("kill 24, $$; sleep 9")
    yield number, "prints a report of success", perl(
        "$| = 1;" + forge("passed") + f"kill {number}, $$; sleep 9")


def timed_out_cpu(draw):
    code = draw.randint(0, 255)
    yield "a loop", perl("1 while 1")
    yield "ignores what can be ignored", perl("$SIG{$_} = 'IGNORE' for qw(XCPU TERM INT); 1 while 1")
    yield "two children", sh("perl -e '1 while 1' & perl -e '1 while 1' & wait")
    yield "ends by itself, too late", perl(SPIN + f"spin(1.5); exit {code}")
    yield "ends with 137, too late", perl(SPIN + "spin(1.5); exit 137")
    yield "many short children", perl(
        SPIN + "for (1 .. 150) { if (!(my $p = fork)) { spin(0.02); exit } wait } exit 0")
    yield "a daemon that works", sh("setsid perl -e '1 while 1' & sleep 30")
    yield "prints a report of success", perl("$| = 1;" + forge("passed") + "1 while 1")
    yield "kills itself, too late", perl(SPIN + "spin(1.5); kill 9, $$; sleep 9")
    yield "in the kernel", sh("exec cat /dev/zero >/dev/null")


def timed_out_wall(draw):
    yield "sleeps", ("/bin/sleep", "30")
    yield "stops itself", perl("kill 19, $$; exit 0")
    yield "waits for a child", sh("sleep 30 & wait")
    yield "waits for nobody", perl("pipe my $r, my $w; sysread $r, my $x, 1")
    yield "ignores what can be ignored", perl(
        "$SIG{$_} = 'IGNORE' for qw(ALRM TERM INT HUP); sleep 30")
    yield "talks meanwhile", perl(
        "$| = 1; for (1 .. 600) { print 'x'; select undef, undef, undef, 0.05 }")
    yield "prints a report of success", perl("$| = 1;" + forge("passed") + "sleep 30")
    yield "would end with 0", sh("sleep 20; exit 0")
    yield "stops its child", perl("if (!(my $p = fork)) { kill 19, $$ } waitpid -1, 0; exit 3")
    yield "after a kill of a child", sh("sh -c 'kill -9 $$'; sleep 30")


def out_of_memory(draw):
    code = draw.randint(0, 255)
    yield "one string", perl("my $x = 'x' x 200_000_000; exit 0")
    yield "little by little", python("x = []\nwhile True: x.append(bytearray(1 << 20))")
    yield "catches everything", python(
        "try:\n x = []\n while True: x.append(bytearray(1 << 20))\nexcept BaseException: raise SystemExit(0)")
    yield "the sum of children", perl(
        "for (1 .. 4) { if (!(my $p = fork)) { my $x = 'x' x 30_000_000; sleep 9; exit } }"
        " sleep 9; exit 0")
    yield "a child, and goes on", perl(
        "if (!(my $p = fork)) { my $x = 'x' x 200_000_000; exit } wait;"
        f" exit {code}")
    yield "files without a name", perl(
        "my $n = \"x\\0\"; my @f; for (1 .. 50) { my $d = syscall(319, $n, 0);"
        " open my $f, '>&=', $d or exit 9; syswrite $f, 'x' x 3_000_000; push @f, $f }"
        " sleep 9; exit 3")
    yield "after a report of success", perl("$| = 1;" + forge("passed") + "my $x = 'x' x 200_000_000")
    yield "a child, and kills itself", perl(
        "if (!(my $p = fork)) { my $x = 'x' x 200_000_000; exit } wait; kill 11, $$; sleep 9")


def too_many_processes(draw):
    code = draw.randint(1, 255)
    yield "fails at a refused fork", perl(CROWD + f"crowd() and exit {code}; exit 0")
    yield "as if it had been killed", perl(CROWD + "crowd() and exit 137; exit 0")
    yield "the shell gives up", sh("i=0; while [ $i -lt 40 ]; do sleep 30 & i=$((i+1)); done; exit 0")
    yield "threads", python(
        "import _thread, time\nfor i in range(40): _thread.start_new_thread(time.sleep, (30,))")
    yield "kills itself then", perl(CROWD + "crowd() and kill 9, $$; sleep 9")
    yield "says that memory is out", perl(
        CROWD + "crowd() and print STDERR 'Cannot allocate memory'; exit 12")
    yield "of a child", perl(CROWD + f"if (!(my $p = fork)) {{ exit(crowd() ? {code} : 0) }}"
                             " wait; exit $? >> 8")


def output_too_large(draw):
    code = draw.randint(0, 255)
    yield "yes", ("/usr/bin/yes",)
    yield "much, and ends well", perl("print 'x' x 2_000_000; exit 0")
    yield "errors", perl("print STDERR 'x' x 2_000_000; exit 0")
    yield "much, and fails", perl(f"print 'x' x 2_000_000; exit {code}")
    yield "of a child", sh("head -c 2000000 /dev/zero & wait; exit 0")
    yield "after a report of success", perl(forge("passed") + "print 'x' x 2_000_000")
    yield "through /dev/stderr", sh("head -c 2000000 /dev/zero >/dev/stderr")
    yield "many lines", sh("seq 1 400000")


def workspace_full(draw):
    code = draw.randint(1, 255)
    place = draw.choice(["x", "/tmp/x", "/dev/shm/x"])
    yield "one file", perl(FILL + f"fill('{place}') and exit {code}; exit 0")
    yield "many files", perl(
        f"for (1 .. 400) {{ open my $f, '>', \"f$_\" or exit {code} }} exit 0")
    yield "many folders", perl(f"for (1 .. 400) {{ mkdir \"f$_\" or exit {code} }} exit 0")
    yield "the tool fails", sh("exec head -c 9000000 /dev/zero >x")
    yield "as if it had been killed", perl(FILL + f"fill('{place}') and exit 137; exit 0")
    yield "kills itself then", perl(FILL + "fill('x') and kill 9, $$; sleep 9")
    yield "an error of Python", python("f = open('x', 'wb', 0)\nwhile f.write(bytes(8192)) == 8192: pass\nf.write(b'x' * 8192)")
    yield "a core's worth", perl(FILL + "fill('core') and kill 6, $$; sleep 9")


def violation(draw):
    name = draw.choice(sorted(CALLS))
    number = CALLS[name]
    call = f"syscall({number}, 0, 0, 0, 0, 0, 0);"
    yield name, "and ends well", perl(f"{call} exit 0")
    yield name, "and fails", perl(f"{call} exit 159")
    yield name, "of a child", perl(
        f"if (!(my $p = fork)) {{ {call} exit 0 }} wait; exit 0")
    yield name, "of a daemon", perl(
        f"if (!(my $p = fork)) {{ if (!fork) {{ {call} exit 0 }} exit 0 }} sleep 9; exit 0")
    yield name, "ignores what can be ignored", perl(f"$SIG{{SYS}} = 'IGNORE'; {call} exit 0")
    yield name, "after one that is only denied", perl(f"syscall(41, 2, 1, 0); {call} exit 0")
    yield name, "after a report of success", perl("$| = 1;" + forge("passed") + f"{call} exit 0")
    yield name, "in a full workspace", perl(FILL + f"fill('x'); {call} exit 1")
    yield name, "after refused forks", perl(CROWD + f"crowd(); {call} exit 1")


def refused(draw):
    yield "no such path", ("/nonexistent/program",)
    yield "no such name", ("nosuchprogram-edgecoder",)
    yield "a directory", ("/usr/bin",)
    yield "not executable", ("/usr/lib/os-release",)
    yield "below the work directory", ("./missing",)
    yield "no format", ("{shown}/words",)
    yield "no interpreter", ("{shown}/script",)
    yield "below a file", ("/bin/true/x",)


BROKEN = ("floor", "no jail", "jail not executable", "another jail", "a damaged profile",
          "no descriptors", "jail killed", "init killed", "machine out of memory")
# What peers have for it.
BROKEN_PEERS = ("missing folder", "no descriptors")


def jobs_of(kind, draw, peers):
    """All variants of one kind, with what is drawn once for them."""
    if kind == "passed":
        return [Job(kind, v, kind, c) for v, c in passed(draw)]
    if kind == "failed":
        return [Job(kind, v, f"failed {n}", c) for n, v, c in failed(draw)]
    if kind == "signalled":
        return [Job(kind, v, f"signalled {n}", c) for n, v, c in signalled(draw)]
    if kind == "violation":
        return [Job(kind, v, f"violation {n}", c) for n, v, c in violation(draw)]
    if kind == "launchFailed":
        return [Job(kind, v, "hostOutOfMemory", perl("my $x = 'x' x 200_000_000"), LARGE, v)
                if v == "machine out of memory" else
                Job(kind, v, kind, ("/bin/sleep", "0.7"), broken=v)
                for v in (BROKEN_PEERS if peers else BROKEN)]
    made = {"timedOut cpu": timed_out_cpu, "timedOut wall": timed_out_wall,
            "outOfMemory": out_of_memory, "tooManyProcesses": too_many_processes,
            "outputTooLarge": output_too_large, "workspaceFull": workspace_full,
            "refused": refused}[kind](draw)
    profile = SHORT if kind == "timedOut wall" else PATIENT
    more = [Job(kind, "a variable that is not allowed", kind, ("/bin/true",),
                options=("--env", "LD_PRELOAD=/x"))] if kind == "refused" and not peers else []
    return [Job(kind, v, kind, c, profile) for v, c in made] + more


def draw_jobs(each, seed, peers=False):
    """`each` jobs of every kind, every variant about as often, in random order."""
    draw = random.Random(seed)
    jobs = []
    for kind in KINDS:
        rest = []
        for _ in range(each):
            if not rest:
                rest = list(range(len(jobs_of(kind, draw, peers))))
                draw.shuffle(rest)
            jobs.append(jobs_of(kind, draw, peers)[rest.pop()])
    draw.shuffle(jobs)
    return jobs
