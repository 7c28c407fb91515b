"""One spool under test: its folder, its programs, and what is in it."""
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

TASK = """schema_version = "1.4"

[task]
name = "NAME"

[edgecoder]
format = 1
kind = "run"
language = "shell"
profile = "shell"
command = COMMAND
"""
ROLES = ("coordinator", "worker")
JOB = re.compile(r"^[0-9a-hjkmnp-tv-z]{26}$")
# Where a job is on its way; after a run all of them are empty.
OPEN = ("incoming", "ready", "workers/local/inbox", "workers/local/running",
        "workers/local/outbox")
ASIDE = ("held", "dead", "cancelled", "quarantine", "control")


class Broken(Exception):
    """A program did not do what a trial needs."""


class Programs:
    """The build that is tried, and an archive that does nothing."""

    def __init__(self, binaries, folder):
        self.path = os.path.join(binaries, "edgecoder")
        self.archive = self.pack(folder, "true", '["/bin/true"]')

    def pack(self, folder, name, command):
        """An archive of a task that is one command."""
        task, archive = os.path.join(folder, name), os.path.join(folder, f"{name}.tar.zst")
        os.makedirs(task, exist_ok=True)
        with open(os.path.join(task, "task.toml"), "w", encoding="utf-8") as out:
            out.write(TASK.replace("NAME", name).replace("COMMAND", command))
        self.call(["pack", task, "-o", archive], os.environ)
        return archive

    def call(self, arguments, environment, status=0):
        """Runs the program to its end; its standard output."""
        done = subprocess.run([self.path, *arguments], env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != status:
            raise Broken(f"{' '.join(arguments[:2])} ended with {done.returncode}: "
                         f"{(done.stderr or done.stdout)[-600:]}")
        return done.stdout


class Site:
    """A spool with its own keys in a folder of its own."""

    def __init__(self, programs, parent, spool=None, keys=None):
        self.programs = programs
        self.folder = tempfile.mkdtemp(dir=parent)
        self.spool = spool or os.path.join(self.folder, "spool")
        self.keys = keys or os.path.join(self.folder, "keys")
        self.environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                            "EDGECODER_KEYS": self.keys}
        self.errors = open(os.path.join(self.folder, "errors"), "ab")
        self.running = {}

    def init(self):
        self.call("init", "--spool", self.spool, "--grant", "1000000000")

    def call(self, *arguments, status=0):
        return self.programs.call(arguments, self.environment, status)

    def submit(self, count):
        """The ids that were acknowledged."""
        printed = self.call("submit", "--spool", self.spool, "--count", str(count),
                            self.programs.archive)
        return printed.split()

    def command(self, role):
        if role == "coordinator":
            return [self.programs.path, "schedule", "--spool", self.spool]
        return [self.programs.path, "worker", "--spool", self.spool, "--id", "local",
                "--slots", "2"]

    def start(self, role, before=()):
        """Starts a process; with strace -D before it, its pid is still the program's own."""
        process = subprocess.Popen([*before, *self.command(role)], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=self.errors,
                                   stderr=self.errors)
        self.running[role] = process
        return process

    def stop(self):
        """Ends what was started here, politely first."""
        for number, seconds in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
            for process in self.running.values():
                if process.poll() is None:
                    process.send_signal(number)
            deadline = time.monotonic() + seconds
            for process in self.running.values():
                try:
                    process.wait(max(0.01, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    break
            else:
                break
        self.running = {}

    def remove(self):
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def names(self, folder):
        """Every file below a folder of the spool, relative to it; dot names apart."""
        found = []
        top = os.path.join(self.spool, folder)
        for place, _, files in os.walk(top):
            found += [os.path.relpath(os.path.join(place, name), top) for name in files
                      if not name.startswith(".")]
        return sorted(found)

    def done(self):
        try:
            return [n for n in os.listdir(os.path.join(self.spool, "done")) if JOB.match(n)]
        except FileNotFoundError:
            return []

    def is_quiet(self):
        return not any(self.names(folder) for folder in OPEN)

    def messages(self):
        with open(os.path.join(self.folder, "errors"), encoding="utf-8", errors="replace") as file:
            return file.read()[-1500:]
