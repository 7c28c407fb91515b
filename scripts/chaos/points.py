"""Storms: every process is told at which named point to die, and started again, over and over."""
import collections
import concurrent.futures
import json
import os
import random
import re
import subprocess
import threading
import time

from check import Findings, check, frames
from site_under_test import ROLES, Broken, Site

SOURCE = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                      "..", "..", "Sources", "EdgeSystem", "CrashPoint.swift")
# A process that does not come by its point in this time is killed wherever it is.
LIFE = 0.8
# What clients ask for so that the coordinator comes by some of its points.
LEADS_TO = {"batchPut": "array", "batchAdvanced": "array", "endVoided": "cancel",
            "endWritten": "cancel", "orderPut": "cancel", "controlTaken": "cancel",
            "holdWritten": "fall", "retryReserved": "fall", "retryPlaced": "fall"}


def points():
    """The named points of each role, from the program's own list."""
    found, role = collections.defaultdict(list), None
    with open(SOURCE, encoding="utf-8") as file:
        for line in file:
            if match := re.match(r"  // An? (submitter|worker)\.|  // The (coordinator)\.", line):
                role = match[1] or match[2]
            elif match := re.match(r"  case (\w+)$", line):
                found[role].append(match[1])
    if set(found) != {"submitter", *ROLES}:
        raise Broken(f"{SOURCE} names points of {sorted(map(str, found))}")
    return found


class Doubles(threading.Thread):
    """Looks for two processes of one job at the same time; jobs of arrays have their own number."""

    def __init__(self, first, last):
        super().__init__(daemon=True)
        self.numbers = range(first, last)
        self.found, self.looks, self.seen, self.ended = [], 0, 0, False

    def run(self):
        while not self.ended:
            running = collections.defaultdict(list)
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/environ", "rb") as file:
                        names = file.read().split(b"\0")
                    with open(f"/proc/{pid}/comm", "rb") as file:
                        is_job = file.read() == b"sleep\n"
                except OSError:
                    continue
                for name in names if is_job else ():
                    if name.startswith(b"EDGECODER_ARRAY_INDEX=") and (
                            int(name[22:]) in self.numbers):
                        running[name[22:]].append((pid, born(pid)))
            self.looks += 1
            self.seen += len(running)
            for index, processes in running.items():
                # The first one may have ended before the second one began.
                if len(processes) > 1 and all(at and at == born(pid) for pid, at in processes):
                    self.found.append(f"{index} runs as {processes}")
            time.sleep(0.005)


def born(pid):
    """When a process started, in clock ticks; None where it has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return None if fields[0] in "ZX" else fields[19]
    except (OSError, IndexError):
        return None


class Storm:
    """One site in which processes die at drawn points until there were enough kills."""

    def __init__(self, programs, folder, archive, seed):
        self.site = Site(programs, folder)
        self.archive, self.seed, self.names = archive, seed, points()
        self.draw = random.Random(seed)
        self.kills = collections.Counter()
        self.armed, self.since, self.rest, self.owed = {}, {}, {}, None
        # Numbers that no other storm on this machine has.
        self.first = self.next_index = self.draw.randrange(1, 1 << 40) * 100_000
        self.told, self.cancelled, self.again = [], [], []

    def arm(self, role):
        """A point that this storm has seen few deaths at, and the how-manieth time there."""
        fewest = min(self.kills[name] for name in self.names[role])
        few = [name for name in self.names[role] if self.kills[name] <= fewest + 1]
        point = self.draw.choice(few if self.draw.random() < 0.7 else self.names[role])
        return point, 1 if point in LEADS_TO else self.draw.choice((1, 1, 1, 2, 3, 5))

    def start(self, role, is_calm=False):
        self.armed[role] = None if is_calm else self.arm(role)
        crash = "" if is_calm else "{}:{}".format(*self.armed[role])
        if role == "coordinator":
            self.owed = None if is_calm else LEADS_TO.get(self.armed[role][0])
        self.site.environment["EDGECODER_CRASH"] = crash
        self.site.start(role)
        self.site.environment.pop("EDGECODER_CRASH")
        self.since[role] = time.monotonic()

    def look(self):
        """Counts who died, and starts again; False where one ended that should not."""
        now = time.monotonic()
        for role in ROLES:
            if role in self.rest:
                if now >= self.rest[role]:
                    del self.rest[role]
                    self.start(role)
                continue
            process = self.site.running[role]
            status = process.poll()
            if status is None:
                # What leads to such a point takes several clients.
                if now - self.since[role] > LIFE * (3 if self.armed[role][0] in LEADS_TO else 1):
                    process.kill()
                    process.wait()
                    self.kills[f"anywhere_{role}"] += 1
                    self.rest[role] = now
                continue
            if status != -9:
                raise Broken(f"{role} ended with {status}: {self.site.messages()}")
            self.kills[self.armed[role][0]] += 1
            # Now and then the others have time to find out that it is gone.
            self.rest[role] = now + self.draw.choice((0, 0, 0.15))

    def client(self, arguments, key=None):
        """One client, killed or not; what it was told."""
        for attempt in range(20):
            crash = self.arm("submitter") if attempt == 0 and self.draw.random() < 0.7 else None
            environment = dict(self.site.environment)
            if crash:
                environment["EDGECODER_CRASH"] = f"{crash[0]}:1"
            done = subprocess.run(
                [self.site.programs.path, *arguments, *(["--key", key] if key else [])],
                env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                timeout=60, check=False)
            if done.returncode == -9:
                self.kills[crash[0]] += 1
                if key:
                    continue
                return done.stdout.split()
            if done.returncode:
                raise Broken(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-500:]}")
            return done.stdout.split()
        raise Broken("a client was killed that had no point to die at")

    def submit(self):
        """A few jobs more: one alone, an array, with or without a key; or one held and cancelled."""
        line = ["submit", "--spool", self.site.spool, "--retries", "100"]
        key = f"k{self.next_index}" if self.draw.random() < 0.5 else None
        kind = self.owed or self.draw.choice(("array", "array", "one", "many", "cancel", "fall"))
        self.owed = None
        if kind == "fall":
            self.fall(line)
            return
        if kind == "cancel":
            # With a key, so that one who was killed gets to know its id.
            last = self.next_index + self.draw.choice((0, 3))
            array = ["--array", f"{self.next_index}-{last}"] if last > self.next_index else []
            ids = self.client([*line, *array, "--hold", "storm", self.archive],
                              f"c{self.next_index}")
            self.next_index = last + 1
            self.told += ids
            self.cancel(ids)
            return
        if kind == "array":
            last = self.next_index + self.draw.randint(1, 6)
            line += ["--array", f"{self.next_index}-{last}"]
            self.next_index = last
        elif kind == "many":
            line += [self.archive]
        self.next_index += 1
        self.told += self.client([*line, self.archive], key if kind != "many" else None)

    def fall(self, line):
        """A job that is cancelled, and one that waits for it and falls or is held; both start anew."""
        parent = self.client([*line, "--hold", "storm", self.archive], f"p{self.next_index}")[0]
        choice = self.draw.choice(("hold", "fail"))
        child = self.client([*line, "--on-dependency-failed", choice, self.archive,
                             "--after-ok", parent], f"q{self.next_index}")[0]
        self.next_index += 1
        self.told += [parent, child]
        self.again += [parent, *([child] if choice == "fail" else [])]
        self.until(lambda: parent in self.site.names("held"))
        self.client(["cancel", "--spool", self.site.spool, parent])
        self.until(lambda: parent in self.site.names("cancelled") and self.fell(child))
        # Whoever obeys may be killed in the middle; who leads next goes on, and so does a second
        # resume, which finds less to do.
        deadline = time.monotonic() + 20
        while (parent in self.site.names("cancelled") or self.fell(child)) and (
                time.monotonic() < deadline):
            self.client(["resume", "--spool", self.site.spool, parent, child])
            self.until(lambda: parent not in self.site.names("cancelled") and
                       not self.fell(child), 1)

    def fell(self, job):
        """Whether a job is held or has ended because of another one; only those are held here."""
        try:
            found = frames(os.path.join(self.site.spool, "done", job))
        except FileNotFoundError:
            return job in self.site.names("held")
        return json.loads(found[0][1])["ending"] == {"ending": "dependencyFailed"}

    def until(self, condition, seconds=20):
        """Waits for something, and starts again who dies meanwhile."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.look()
            time.sleep(0.005)

    def cancel(self, jobs):
        """Cancels jobs that were held, one or a whole batch, once the first has its ticket."""
        self.until(lambda: self.site.names("held"))
        # One who is killed here has asked already: its request is durable.
        batch = ["--batch"] if len(jobs) > 1 else []
        self.client(["cancel", "--spool", self.site.spool, *batch, jobs[0]])
        self.cancelled += jobs

    def run(self, kills):
        """Until so many kills, then to the end in peace; the findings."""
        self.site.init()
        # A storm kills far more often than any job could be blamed for.
        self.site.call("policy", "set", "--spool", self.site.spool, "--poison-after", "100",
                       "--retries", "workerLost=100", "--pause-max", "2s")
        doubles = Doubles(self.first, self.first + 100_000)
        doubles.start()
        try:
            for role in ROLES:
                self.start(role)
            started = time.monotonic()
            while sum(self.kills.values()) < kills:
                if self.owed or (
                        len(self.told) - len(self.site.done()) - len(self.cancelled) < 8):
                    self.submit()
                self.look()
                time.sleep(0.002)
                if time.monotonic() - started > 60 + 2 * kills:
                    raise Broken(f"{sum(self.kills.values())} kills only: {dict(self.kills)}")
            self.site.stop()
            for role in ROLES:
                self.start(role, is_calm=True)
            deadline = time.monotonic() + 200
            open_ones = set(self.told) - set(self.cancelled)
            while time.monotonic() < deadline and not (
                    open_ones <= set(self.site.done()) and self.site.is_quiet()
                    and not self.site.names("held") and not self.site.names("control")):
                time.sleep(0.02)
            stuck = time.monotonic() >= deadline
            self.site.stop()
            findings = check(self.site, self.told, others_allowed=True, cancelled=self.cancelled,
                             again=self.again)
            if stuck:
                findings["stuck"].append(self.site.messages())
            doubles.ended = True
            doubles.join()
            findings["ran_twice"] += doubles.found
            return findings, doubles.seen
        finally:
            doubles.ended = True
            self.site.stop()
            self.site.remove()


def storms(programs, folder, kills, seed, parallel, report):
    """Storms of at most 60 kills each until there were enough; kills by point, jobs, looks."""
    archive = programs.pack(folder, "storm", '["/bin/sleep", "0.02"]')
    totals, jobs, seen = collections.Counter(), 0, 0
    sizes = [min(60, kills - start) for start in range(0, kills, 60)]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        def one(number):
            storm = Storm(programs, folder, archive, f"{seed}-storm-{number}")
            return storm, *storm.run(sizes[number])
        for storm, findings, looks in pool.map(one, range(len(sizes))):
            totals += storm.kills
            jobs += len(storm.told)
            seen += looks
            report(findings, f"storm {storm.seed}")
    return totals, jobs, seen
