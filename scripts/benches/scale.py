"""The part of the bench "queue" that asks what a long queue costs."""
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from service import SLOTS, cmd_schedule, cmd_serve, cmd_submit, edgecoder, new_spool, note, say

BATCHES = (1_000, 10_000, 100_000, 1_000_000)
SINGLES = (1_000, 20_000, 200_000)
# Jobs of one batch, and archives that one submission names: the kernel takes 2 MB of arguments.
PER_BATCH = 10_000
PER_CALL = 10_000
# How long the services work on each queue.
WINDOW = 20
# What one program may take: more is written down as `timeout` or `memory`.
SECONDS = {"submit": 240, "status": 60}
RESIDENT_KIB = 4 << 20
ADDRESSES = 16 << 30


# ---- everything that may need fixing when the program changes -------------------------------------
def cmd_status(spool):
    """What is asked of a long queue."""
    return edgecoder("status", "--json", "--spool", spool)


def finished(spool):
    """Jobs that have ended."""
    return sum(len(names) for _, _, names in os.walk(os.path.join(spool, "done")))


# ---------------------------------------------------------------------------------------------------
class TooMuch(Exception):
    """A program took more than it may; the text is the word for it."""


def capped(command):
    return ["prlimit", f"--as={ADDRESSES}", *command]


def client(kind, command, **more):
    """Runs a client to its end, and returns its time in seconds."""
    started = time.monotonic()
    try:
        done = subprocess.run(capped(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=SECONDS[kind], **more)
    except subprocess.TimeoutExpired:
        raise TooMuch("timeout") from None
    if done.returncode != 0:
        # A program of Swift that gets no memory ends by a signal.
        note(f"{kind} ended with {done.returncode}: {done.stderr[-300:].decode(errors='replace')}")
        raise TooMuch("memory" if done.returncode < 0 or done.returncode > 128 else "failed")
    return time.monotonic() - started


def submit_batches(spool, archive, jobs):
    sizes = [PER_BATCH] * (jobs // PER_BATCH) + [jobs % PER_BATCH] * (jobs % PER_BATCH > 0)
    return sum(client("submit", cmd_submit(spool, archive, count=size)) for size in sizes)


def submit_singles(spool, archive, jobs):
    """Each a submission of its own, many from one process."""
    folder, name = os.path.split(archive)
    until, taken = time.monotonic() + SECONDS["submit"], 0
    for first in range(0, jobs, PER_CALL):
        if time.monotonic() > until:
            raise TooMuch("timeout")
        names = [name] * min(PER_CALL, jobs - first)
        taken += client("submit", cmd_submit(spool, *names), cwd=folder)
    return taken


class Watched:
    """The coordinator and a worker, and what the coordinator takes."""

    def __init__(self, spool):
        schedule, *others = cmd_serve(spool, SLOTS)
        assert schedule == cmd_schedule(spool), "the first service is the coordinator"
        # prlimit becomes the program, so the process is the coordinator's own.
        self.processes = [
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, start_new_session=True)
            for command in (capped(schedule), *others)]
        self.coordinator = self.processes[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def cpu_ms(self):
        with open(f"/proc/{self.coordinator.pid}/stat", encoding="utf-8") as text:
            fields = text.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def resident_kib(self):
        """The most that it ever had."""
        with open(f"/proc/{self.coordinator.pid}/status", encoding="utf-8") as text:
            return next(int(line.split()[1]) for line in text if line.startswith("VmHWM:"))

    def check(self):
        if self.coordinator.poll() is not None:
            raise TooMuch("memory" if self.coordinator.returncode < 0 else "failed")
        if self.resident_kib() > RESIDENT_KIB:
            raise TooMuch("memory")


def work(spool, jobs, keys, prefix):
    """Lets the services work for a while, and fills in the values of the keys."""
    with Watched(spool) as services:
        started, cpu, ended = time.monotonic(), 0, 0
        # The first sleep lets prlimit become the program.
        while ended < jobs and time.monotonic() - started < WINDOW:
            time.sleep(0.2)
            services.check()
            ended, cpu, seconds = finished(spool), services.cpu_ms(), time.monotonic() - started
        keys[f"{prefix}_rss_kib"] = services.resident_kib()
        keys[f"{prefix}_finished"] = ended
        if ended == 0:
            raise TooMuch("timeout")
        keys[f"{prefix}_jobs_per_s"] = ended / seconds
        keys[f"{prefix}_cpu_ms_per_job"] = cpu / ended
        # While they run: that is when somebody asks.
        keys[f"{prefix}_status_ms"] = statistics.median(
            client("status", cmd_status(spool)) for _ in range(3)) * 1000
        keys[f"{prefix}_rss_kib"] = services.resident_kib()


def one_size(folder, archive, jobs, submit, prefix):
    """Measures one length of the queue; the CPU per job, or None."""
    note(f"{prefix}: {jobs} jobs")
    names = ("submit_s", "rss_kib", "status_ms", "cpu_ms_per_job", "finished", "jobs_per_s")
    keys = {f"{prefix}_{name}": None for name in names}
    place = tempfile.mkdtemp(dir=folder)
    word = "timeout"
    try:
        spool = new_spool(place)
        keys[f"{prefix}_submit_s"] = submit(spool, archive, jobs)
        work(spool, jobs, keys, prefix)
    except TooMuch as reason:
        word = str(reason)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    for key, value in keys.items():
        say(key, word if value is None else value)
    return keys[f"{prefix}_cpu_ms_per_job"]


def series(folder, archive, sizes, submit, prefix):
    costs = [one_size(folder, archive, jobs, submit, f"{prefix}_{jobs}") for jobs in sizes]
    if costs[0] and costs[-1]:
        say(f"{prefix}_cost_ratio", costs[-1] / costs[0])
    else:
        say(f"{prefix}_cost_ratio", "timeout")


def bench_scale(folder, archive):
    series(folder, archive, BATCHES, submit_batches, "scale")
    series(folder, archive, SINGLES, submit_singles, "scale_single")
