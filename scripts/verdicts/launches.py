"""Runs jobs in our sandbox, and takes its word on each."""
import json
import os
import shutil
import signal
import subprocess
import time

import jobs

SCHEMA = "edgecoder.sandbox/2"


def place_files(folder):
    """What some jobs see below a folder of the machine."""
    os.makedirs(folder)
    for name, text in (("words", "no format at all\n"), ("script", "#!/nonexistent/shell\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(os.path.join(folder, name), 0o755)
    os.chmod(folder, 0o755)
    return folder


def children(process):
    found = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children", encoding="utf-8") as listed:
                found += [int(word) for word in listed.read().split()]
    except OSError:
        pass
    return found


class Ours:
    """`edgecoder sandbox run`, from copies of the built programs with small profiles beside them."""

    name = "ours"

    def __init__(self, built, folder, shown):
        self.shown = shown
        self.folder = folder
        self.programs = self.install(built, "programs")
        self.broken = {}
        self.install(built, "no jail", jail=None)
        quiet = self.install(built, "jail not executable", copy=True)
        os.chmod(os.path.join(quiet, "edgecoder-jail"), 0o644)
        self.install(built, "another jail", jail="/bin/true")
        self.memory = Group.make()

    def install(self, built, name, jail="edgecoder-jail", copy=False):
        place = os.path.join(self.folder, name.replace(" ", "-"))
        os.makedirs(place)

        def put(source, target):
            try:
                if copy:
                    raise OSError
                os.link(source, target)
            except OSError:
                shutil.copy2(source, target)

        put(os.path.join(built, "edgecoder"), os.path.join(place, "edgecoder"))
        if jail:
            put(os.path.realpath(os.path.join(built, jail)), os.path.join(place, "edgecoder-jail"))
        profiles = os.path.join(place, "sandbox-profiles")
        shutil.copytree(os.path.join(built, "sandbox-profiles"), profiles)
        small = {jobs.PATIENT: jobs.LIMITS, jobs.SHORT: {**jobs.LIMITS, **jobs.SHORT_WALL}}
        for profile, limits in small.items():
            self.profile(profiles, profile, limits=limits)
        floor = {"memory": "rlimit", "processes": "rlimit", "cpu": "rlimit", "landlock": 99}
        self.profile(profiles, "floor", require=floor)
        with open(os.path.join(profiles, "damaged.json"), "w", encoding="utf-8") as out:
            out.write('{"extends": "python", "name": "damaged", "version": ')
        return place

    @staticmethod
    def profile(folder, name, **changes):
        with open(os.path.join(folder, f"{name}.json"), "w", encoding="utf-8") as out:
            json.dump({"extends": "python", "name": name, "version": 1, "summary": "Small.",
                       **changes}, out)

    def close(self):
        if self.memory:
            self.memory.close()

    def run(self, job):
        """The word on it, and whether the exit code is the one that belongs to it."""
        place = self.programs
        profile = job.profile
        before = []
        if job.broken in ("no jail", "jail not executable", "another jail"):
            place = os.path.join(self.folder, job.broken.replace(" ", "-"))
        elif job.broken == "floor":
            profile = "floor"
        elif job.broken == "a damaged profile":
            profile = "damaged"
        elif job.broken == "no descriptors":
            before = ["prlimit", "--nofile=12"]
        elif job.broken == "machine out of memory":
            if not self.memory:
                return None, "no control group of version 1 can be made"
            before = ["sh", "-c", f'echo $$ >{self.memory.path}/cgroup.procs; exec "$@"', "sh"]
        command = [word.replace("{shown}", "/shown") for word in job.command]
        show = ["--read-only", f"{self.shown}=/shown"] if "{shown}" in " ".join(job.command) else []
        process = subprocess.Popen(
            [*before, os.path.join(place, "edgecoder"), "sandbox", "run", "--profile", profile,
             "--report", "json", *show, *job.options, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if job.broken in ("jail killed", "init killed"):
            self.kill(process.pid, 1 if job.broken == "jail killed" else 2)
        errors = process.communicate()[1]
        outcome = self.outcome(errors.decode(errors="replace"))
        if outcome is None:
            return f"no report, exit {process.returncode}", errors[-300:].decode(errors="replace")
        word, code = self.word(outcome)
        if job.broken == "a damaged profile":
            # Bad input, like any other file that cannot be read.
            code = 65
        if process.returncode != code:
            return f"{word}, but exit {process.returncode}", outcome
        return word, outcome

    @staticmethod
    def kill(process, depth):
        """Kills the jail, or the first process inside, once the program sleeps."""
        for _ in range(2000):
            chain = [process]
            while len(chain) < 4 and children(chain[-1]):
                chain.append(children(chain[-1])[0])
            if len(chain) == 4:
                # The fourth is a copy of init until it executes.
                try:
                    with open(f"/proc/{chain[3]}/comm", encoding="utf-8") as name:
                        if name.read().strip() == "sleep":
                            os.kill(chain[depth], signal.SIGKILL)
                            return
                except OSError:
                    pass
            time.sleep(0.002)

    @staticmethod
    def outcome(text):
        """Of the last line that is a report: what the program wrote comes before it."""
        for line in reversed(text.splitlines()):
            try:
                report = json.loads(line)
            except ValueError:
                continue
            if isinstance(report, dict) and report.get("schema") == SCHEMA:
                return report["outcome"]
        return None

    @staticmethod
    def word(outcome):
        """One word with its detail, and the exit code that the help text promises."""
        if "fault" in outcome:
            return outcome["fault"], 69
        name = outcome["verdict"]
        if name == "failed":
            return f"failed {outcome['exit']}", outcome["exit"]
        if name == "signalled":
            return f"signalled {outcome['signal']}", 128 + outcome["signal"]
        if name == "timedOut":
            return f"timedOut {outcome['clock']}", 1
        if name == "violation":
            return f"violation {outcome['syscall']}", 1
        return name, {"passed": 0, "refused": 69}.get(name, 1)


class Group:
    """A control group with less memory than a job may use: a machine that is too small."""

    def __init__(self, path):
        self.path = path

    @classmethod
    def make(cls):
        with open("/proc/self/cgroup", encoding="utf-8") as lines:
            own = [line.rstrip("\n").split(":", 2) for line in lines]
        places = [f"/sys/fs/cgroup/memory{path}" for _, names, path in own if names == "memory"]
        for place in [*places, "/sys/fs/cgroup/memory"]:
            path = f"{place}/edgecoder-bench-{os.getpid()}"
            try:
                os.mkdir(path)
                with open(f"{path}/memory.limit_in_bytes", "w", encoding="utf-8") as limit:
                    limit.write(str(100 << 20))
                return cls(path)
            except OSError:
                continue
        return None

    def close(self):
        for _ in range(50):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.02)
