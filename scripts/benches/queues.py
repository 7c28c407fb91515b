"""The job queues of other people that the benches compare with, each driven in its own best way."""
import glob
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time

import service
from service import SLOTS, TRACE, call, fsyncs, quiet, timed

TRUE = "/bin/true"


def is_here(tool):
    """Whether it is installed; else a word on that."""
    needed = {"slurm": ["slurmctld", "slurmd", "sbatch", "munged"]}.get(tool, [tool])
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if all(shutil.which(program, path=path) for program in needed):
        return True
    service.note(f"no {tool}: scripts/setup --benches")
    return False


# ---- nq -------------------------------------------------------------------------------------------
def nq_environment(folder):
    return {**os.environ, "NQDIR": tempfile.mkdtemp(dir=folder)}


def jobs_nq(folder, jobs):
    environment = nq_environment(folder)

    def action():
        for _ in range(jobs):
            quiet(["nq", "-q", TRUE], env=environment)
        quiet(["nq", "-w"], env=environment)

    return timed(action)


def fsyncs_nq(folder, jobs):
    environment, table, total = nq_environment(folder), f"{folder}/nq.strace", 0
    for _ in range(jobs):
        quiet([*TRACE, table, "nq", "-q", TRUE], env=environment)
        total += fsyncs(table)
    return total


# ---- task-spooler ---------------------------------------------------------------------------------
def tsp_environment(folder, jobs):
    place = tempfile.mkdtemp(dir=folder)
    return {**os.environ, "TS_SOCKET": f"{place}/socket", "TMPDIR": place, "TS_SLOTS": str(SLOTS),
            "TS_MAXFINISHED": str(jobs + 10)}


def tsp_is_busy(environment):
    # The last job may end before its neighbour, so waiting for the last is not enough.
    listed = subprocess.run(["tsp"], env=environment, capture_output=True, text=True).stdout
    return re.search(r"^\d+\s+(queued|running|allocating)", listed, re.MULTILINE)


def tsp_all(environment, jobs):
    for _ in range(jobs):
        quiet(["tsp", TRUE], env=environment)
    while tsp_is_busy(environment):
        time.sleep(0.005)


def jobs_tsp(folder, jobs):
    environment = tsp_environment(folder, jobs)
    quiet(["tsp", "-S", str(SLOTS)], env=environment)
    try:
        return timed(lambda: tsp_all(environment, jobs))
    finally:
        quiet(["tsp", "-K"], env=environment)


def fsyncs_tsp(folder, jobs):
    """Those of the server; its clients write nothing."""
    environment, table = tsp_environment(folder, jobs), f"{folder}/tsp.strace"
    # The first client starts the server, and strace stays as long as that.
    server = subprocess.Popen([*TRACE, table, "tsp", "-S", str(SLOTS)], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(environment["TS_SOCKET"]):
            time.sleep(0.01)
        tsp_all(environment, jobs)
    finally:
        quiet(["tsp", "-K"], env=environment)
        server.wait()
    return fsyncs(table)


# ---- GNU parallel ---------------------------------------------------------------------------------
def parallel(folder):
    log = tempfile.mkdtemp(dir=folder) + "/log"
    return ["parallel", "--will-cite", "-j", str(SLOTS), "--joblog", log]


def jobs_parallel(folder, jobs):
    command, text = parallel(folder), f"{TRUE}\n" * jobs
    return timed(lambda: subprocess.run(
        command, input=text, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=True))


def fsyncs_parallel(folder, jobs):
    table = f"{folder}/parallel.strace"
    quiet([*TRACE, table, *parallel(folder), TRUE, ":::", *map(str, range(jobs))])
    return fsyncs(table)


# ---- Slurm ----------------------------------------------------------------------------------------
class Slurm:
    """A cluster of two nodes. It starts jobs once a second, as many as it has processors free: with
    the two of everybody else it would end two jobs a second and sleep. So its nodes claim more."""

    CPUS = 32
    SCRIPT = os.path.join(service.ROOT, "scripts", "slurm")
    SBATCH = ["sbatch", "-Q", "-o", "/dev/null", "--wrap", TRUE]

    def __init__(self, folder):
        self.folder = tempfile.mkdtemp(dir=folder)

    def __enter__(self):
        try:
            line = call([self.SCRIPT, "start", self.folder, "--cpus", str(self.CPUS)])
            name, _, value = line.strip().partition("=")
            self.environment = {**os.environ, name: value}
            # The first job waits for the first turn of the scheduler, which takes seconds.
            self.jobs_clients(1)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        quiet([self.SCRIPT, "stop", self.folder])

    def ended(self):
        """Jobs that ended: one line each."""
        try:
            with open(f"{self.folder}/jobcomp", "rb") as lines:
                return sum(1 for _ in lines)
        except FileNotFoundError:
            return 0

    def all_of(self, jobs, commands):
        """Submits, and waits as cheaply as can be: by the file in which Slurm notes every end."""
        wanted, until = self.ended() + jobs, time.monotonic() + 60 + jobs
        for command in commands:
            quiet(command, env=self.environment)
        while self.ended() < wanted:
            if time.monotonic() > until:
                service.give_up(f"Slurm did not end {jobs} jobs in {60 + jobs} s")
            time.sleep(0.01)

    def all_clients(self, jobs):
        self.all_of(jobs, [self.SBATCH] * jobs)

    def all_array(self, jobs):
        self.all_of(jobs, [[*self.SBATCH, f"--array=1-{jobs}"]])

    def jobs_clients(self, jobs):
        return timed(lambda: self.all_clients(jobs))

    def jobs_array(self, jobs):
        return timed(lambda: self.all_array(jobs))

    def fsyncs(self, jobs, action):
        """Those of the daemons and of what they start, until the last job has ended; the state is
        saved a little later, so this is the least that it can be."""
        traces = []
        try:
            for pid_file in glob.glob(f"{self.folder}/*.pid"):
                if os.path.basename(pid_file) != "munged.pid":
                    traces.append(self.traced(pid_file))
            action(jobs)
        finally:
            for trace, _ in traces:
                trace.send_signal(signal.SIGINT)
                trace.wait()
        return sum(fsyncs(table) for _, table in traces)

    @staticmethod
    def traced(pid_file):
        table = pid_file + ".strace"
        with open(pid_file, encoding="utf-8") as pid:
            trace = subprocess.Popen([*TRACE, table, "-p", pid.read().strip()], text=True,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
        if "attached" not in trace.stderr.readline():
            service.give_up("strace cannot attach to Slurm")
        return trace, table


# ---------------------------------------------------------------------------------------------------
def interleaved(ways, rounds, what):
    """The results of each way, by name: one of each in every round, in an order of the round's own."""
    times = {way: [] for way in ways}
    for turn in range(rounds):
        order = list(ways)
        random.Random(turn).shuffle(order)
        for way in order:
            if what:
                service.note(f"{what}, round {turn + 1}, {way}")
            times[way].append(ways[way]())
    return times
