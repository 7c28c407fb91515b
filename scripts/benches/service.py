"""What the benches of whole jobs share: how edgecoder is called, its services, and measuring."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
BIN = os.environ.get("EDGECODER_BIN", "")
# Jobs at once, here and in every other tool.
SLOTS = 2


# ---- everything that may need fixing when the program changes -------------------------------------
def edgecoder(*arguments):
    return [os.path.join(BIN, "edgecoder"), *arguments]


def cmd_init(spool):
    # Every job reserves what its limits allow; the grant must not be what is measured.
    return edgecoder("init", "--spool", spool, "--grant", "1000000000")


def cmd_pack(folder, archive):
    return edgecoder("pack", folder, "-o", archive)


def cmd_schedule(spool):
    return edgecoder("schedule", "--spool", spool)


def cmd_serve(spool, slots):
    """Programs that together run whatever is in the spool until they are told to stop; the first is
    the coordinator."""
    return [cmd_schedule(spool), edgecoder("worker", "--spool", spool, "--slots", str(slots))]


def cmd_submit(spool, *archives, count=1):
    # The form that is read without the command line's parser, as a program would write it.
    many = [] if count == 1 else ["--count", str(count)]
    return edgecoder("submit", "--spool", spool, *many, *archives)


def cmd_wait(spool):
    return edgecoder("wait", "--spool", spool, "--all")


def cmd_settle(spool):
    return edgecoder("settle", "--spool", spool, "--once")


def cmd_verify(spool):
    return edgecoder("ledger", "verify", "--spool", spool)


def task(command):
    """The manifest of a task that runs one program."""
    return f"""schema_version = "1.4"

[task]
name = "true"

[edgecoder]
format = 1
kind = "run"
language = "shell"
profile = "shell"
command = {json.dumps(command)}
"""


# ---------------------------------------------------------------------------------------------------
def say(key, value):
    print(key, f"{value:.4g}" if isinstance(value, float) else value, flush=True)


def note(text):
    print(f"==> {text}", file=sys.stderr, flush=True)


def give_up(text):
    sys.exit(f"{os.path.basename(sys.argv[0])}: {text}")


def need_program():
    if not os.access(os.path.join(BIN, "edgecoder"), os.X_OK):
        give_up("EDGECODER_BIN names no folder with edgecoder in it; use scripts/bench")


def call(command, **more):
    """Runs a program that must end with 0; its answer is standard output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, **more)
    if done.returncode != 0:
        give_up(f"{' '.join(command[:6])} ended with {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def timed(action):
    started = time.monotonic()
    action()
    return time.monotonic() - started


def quiet(command, **more):
    """Starts a client and waits for it, as cheaply as Python can."""
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=True, **more)


def packed(folder, name, command):
    """A task directory and its archive."""
    place = os.path.join(folder, name)
    os.mkdir(place)
    with open(os.path.join(place, "task.toml"), "w", encoding="utf-8") as out:
        out.write(task(command))
    archive = place + ".tar.zst"
    call(cmd_pack(place, archive))
    return place, archive


def new_spool(folder):
    spool = tempfile.mkdtemp(dir=folder) + "/spool"
    call(cmd_init(spool))
    return spool


def check(spool):
    """What was measured must have happened, and be paid."""
    call(cmd_settle(spool))
    call(cmd_verify(spool))


class Service:
    """Takes whatever is submitted, for as long as the block lasts."""

    def __init__(self, spool, prefix=lambda index: []):
        self.processes = [
            subprocess.Popen([*prefix(index), *command], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
            for index, command in enumerate(cmd_serve(spool, SLOTS))]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            self.stop(process)

    @staticmethod
    def stop(process):
        # The whole session: with strace before it, the program is a grandchild.
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
                process.wait(timeout=10)
                return
            except ProcessLookupError:
                return
            except subprocess.TimeoutExpired:
                continue


def jobs_edgecoder(folder, archive, jobs, batch, prefix=(), warm=False):
    """The time of jobs from the first submission to the last end; with that of starting and ending
    the services, unless these are warm: running before, with a job behind them."""
    spool = new_spool(folder)

    def submit(count):
        call([*prefix, *cmd_submit(spool, archive, count=count), "--wait"])

    def clients():
        for _ in range(jobs):
            quiet([*prefix, *cmd_submit(spool, archive)])
        call(cmd_wait(spool))

    action = (lambda: submit(jobs)) if batch else clients

    def serve():
        with Service(spool, lambda index: prefix):
            if warm:
                submit(1)
            return timed(action)

    started = time.monotonic()
    inside = serve()
    seconds = inside if warm else time.monotonic() - started
    check(spool)
    return seconds


# What counts the calls that flush to the disk; a table's name follows.
TRACE = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync,syncfs,sync,msync", "-o"]


def fsyncs(path):
    """Flushing calls in the table of strace -c."""
    with open(path, encoding="utf-8") as table:
        rows = [line.split() for line in table]
    return sum(int(row[3]) for row in rows
               if len(row) >= 5 and row[-1] in ("fsync", "fdatasync", "syncfs", "sync", "msync"))


def fsyncs_edgecoder(folder, archive, jobs, batch):
    """Flushes of jobs, with those of the services that ran them."""
    spool = new_spool(folder)
    tables = [f"{spool}.service{index}" for index in range(len(cmd_serve(spool, SLOTS)))]
    with Service(spool, lambda index, names=tuple(tables): [*TRACE, names[index]]):
        for index in range(1 if batch else jobs):
            tables.append(f"{spool}.{index}")
            command = cmd_submit(spool, archive, count=jobs if batch else 1)
            quiet([*TRACE, tables[-1], *command, *(["--wait"] if batch else [])])
        if not batch:
            call(cmd_wait(spool))
    return sum(map(fsyncs, tables))
