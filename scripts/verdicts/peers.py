"""Runs the same jobs under other tools, and keeps what each of them reports."""
import collections
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile

import jobs

# Users that neither people nor our slots have; each job has its own, since the kernel counts the
# processes of a user, also those that nobody has reaped yet.
FIRST_USER = 3_000_000
# Seconds; above the second of CPU that rlimits count.
WALL = 3.0
MEMORY = jobs.LIMITS["memoryBytes"]
DISK = jobs.LIMITS["diskBytes"]


def limits(nofile=jobs.LIMITS["openFiles"], disk=DISK):
    """Rlimits, in front of a program: the nearest there is to what the profile says."""
    return ["prlimit", "--cpu=1:2", f"--data={MEMORY}", f"--fsize={disk}",
            f"--nproc={jobs.LIMITS['processes']}", f"--nofile={nofile}", "--core=0"]


def become(user):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]


def killing_filter():
    """Classic BPF that kills at the calls of the jobs and allows all others."""
    numbers = sorted(jobs.CALLS.values())
    rows = [(0x20, 0, 0, 0)]
    rows += [(0x15, len(numbers) - index, 0, number) for index, number in enumerate(numbers)]
    rows += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x80000000)]
    return b"".join(struct.pack("HBBI", *row) for row in rows)


class Tool:
    """How a tool is started, and what it then says: a status, a signal, or nothing in time."""

    name = ""
    needs = ()
    # How a line of its own begins.
    speaks = ()

    def __init__(self, folder, shown):
        self.folder = folder
        self.shown = shown

    def works(self):
        return all(shutil.which(name) for name in self.needs)

    def command(self, job, user, work):
        raise NotImplementedError

    def spoke(self, errors, work):
        return any(line.startswith(self.speaks) for line in errors.splitlines())

    def stop(self, process, work):
        process.kill()

    def clean(self, user):
        pass

    def run(self, job, user):
        work = tempfile.mkdtemp(dir=self.folder)
        os.chown(work, user, user)
        words = [word.replace("{shown}", self.shown) for word in job.command]
        handles = {}
        try:
            command, handles = self.command(words, job, user, work)
            # A file, not a pipe: what the job leaves behind would keep a pipe open.
            with tempfile.TemporaryFile(dir=self.folder) as errors:
                try:
                    process = subprocess.Popen(
                        command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                        stderr=errors, start_new_session=True, **handles)
                except OSError:
                    return ("not started",)
                try:
                    process.wait(timeout=WALL)
                except subprocess.TimeoutExpired:
                    # Whoever waits knows that it waited: right for every tool.
                    self.stop(process, work)
                    try:
                        process.wait(timeout=5)
                    except subprocess.TimeoutExpired:
                        os.killpg(process.pid, signal.SIGKILL)
                        process.wait()
                    return ("timer",)
                errors.seek(0)
                said = errors.read(1 << 16).decode(errors="replace")
            spoke = self.spoke(said, work)
            return (process.returncode, spoke)
        finally:
            for descriptor in handles.get("pass_fds", ()):
                os.close(descriptor)
            self.clean(user)
            shutil.rmtree(work, ignore_errors=True)


class Plain(Tool):
    name = "rlimits"
    needs = ("prlimit", "setpriv")
    speaks = ("setpriv:", "prlimit:")

    def command(self, words, job, user, work):
        if job.broken == "missing folder":
            words = ["env", "--chdir=/nonexistent", *words]
        nofile = 3 if job.broken == "no descriptors" else jobs.LIMITS["openFiles"]
        return [*become(user), *limits(nofile), *words], {}

    def clean(self, user):
        # What is left of the job: it is this user's alone.
        subprocess.run([*become(user), "sh", "-c", "kill -9 -1"], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


class Bwrap(Plain):
    name = "bwrap"
    needs = ("bwrap", "prlimit", "setpriv")
    speaks = ("bwrap:", "setpriv:", "prlimit:")

    def command(self, words, job, user, work):
        read, write = os.pipe()
        os.write(write, killing_filter())
        os.close(write)
        box = ["bwrap", "--unshare-all", "--die-with-parent", "--seccomp", str(read)]
        for place in ("/usr", "/bin", "/lib", "/lib64", self.shown):
            if os.path.exists(place):
                box += ["--ro-bind", place, place]
        if job.broken == "missing folder":
            box += ["--ro-bind", "/nonexistent", "/x"]
        box += ["--proc", "/proc", "--dev", "/dev"]
        for place in ("/tmp", "/work"):
            box += ["--size", str(DISK), "--tmpfs", place]
        nofile = 3 if job.broken == "no descriptors" else jobs.LIMITS["openFiles"]
        # Above the quota of the place, as ours is.
        return ([*become(user), *limits(nofile, DISK + (1 << 20)), *box, "--chdir", "/work", *words],
                {"pass_fds": (read,)})


class Firejail(Tool):
    name = "firejail"
    needs = ("firejail", "setpriv")
    speaks = ("Error", "firejail:", "setpriv:")

    def command(self, words, job, user, work):
        # Root starts it, since it wants users with a name; inside, the job has its own user.
        box = ["firejail", "--quiet", "--noprofile", "--net=none", "--seccomp",
               "--seccomp-error-action=kill", "--deterministic-exit-code",
               "--deterministic-shutdown", "--rlimit-cpu=1",
               f"--rlimit-as={MEMORY + (64 << 20)}", f"--rlimit-fsize={DISK}",
               f"--rlimit-nproc={jobs.LIMITS['processes']}",
               f"--rlimit-nofile={jobs.LIMITS['openFiles']}"]
        if job.broken == "missing folder":
            box += ["--private=/nonexistent"]
        before = ["prlimit", "--nofile=3"] if job.broken == "no descriptors" else []
        return [*before, *box, *become(user), *words], {}

    def stop(self, process, work):
        process.terminate()

    clean = Plain.clean


class Crun(Tool):
    name = "crun"
    needs = ("crun", "runc", "unshare")
    speaks = ("sh: 1:",)

    def works(self):
        return super().works() and os.getuid() == 0

    def identity(self, work):
        return f"edgecoder-bench-{os.path.basename(work)}"

    def command(self, words, job, user, work):
        root = os.path.join(work, "rootfs")
        for name in ("usr", "proc", "dev", "tmp", "work", self.shown.lstrip("/")):
            os.makedirs(os.path.join(root, name))
        for name in ("bin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), os.path.join(root, name))
        subprocess.run(["runc", "spec"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        path = os.path.join(work, "config.json")
        with open(path, encoding="utf-8") as source:
            config = json.load(source)
        process = config["process"]
        # As the first process of a container a job would be deaf to signals; what podman starts with
        # --init in front of it, a shell does here.
        words = ["/bin/sh", "-c", '"$@"; exit $?', "sh", *words]
        process.update(terminal=False, args=words, cwd="/work", user={"uid": user, "gid": user})
        process["rlimits"] = [
            {"type": f"RLIMIT_{name}", "soft": soft, "hard": hard}
            for name, soft, hard in (("CPU", 1, 2), ("NOFILE", 64, 64), ("CORE", 0, 0))]
        for kind in process.get("capabilities", {}):
            process["capabilities"][kind] = []
        shown = os.path.join(work, "missing") if job.broken == "missing folder" else self.shown
        quota = ["mode=1777", f"size={DISK}", f"nr_inodes={jobs.LIMITS['files']}"]
        kept = ("/proc", "/dev", "/dev/pts", "/dev/shm")
        config["mounts"] = [m for m in config["mounts"] if m["destination"] in kept] + [
            {"destination": "/usr", "type": "none", "source": "/usr", "options": ["rbind", "ro"]},
            {"destination": self.shown, "type": "none", "source": shown,
             "options": ["rbind", "ro"]},
            {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": quota},
            {"destination": "/work", "type": "tmpfs", "source": "tmpfs", "options": quota}]
        config["linux"]["cgroupsPath"] = "/" + self.identity(work)
        config["linux"]["resources"] = {
            "memory": {"limit": MEMORY, "swap": MEMORY},
            "pids": {"limit": jobs.LIMITS["processes"] + 1}}
        config["linux"]["seccomp"] = {
            "defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [{"names": sorted(jobs.CALLS), "action": "SCMP_ACT_KILL_PROCESS"}]}
        with open(path, "w", encoding="utf-8") as out:
            json.dump(config, out)
        few = "ulimit -n 3; " if job.broken == "no descriptors" else ""
        return (["unshare", "--mount", "sh", "-c",
                 f'umount /sys/fs/cgroup/unified 2>/dev/null; {few}exec "$@"', "sh",
                 "crun", "--root", os.path.join(work, "state"), "--log",
                 f"file:{work}/log", "run", "--bundle", work, self.identity(work)], {})

    def spoke(self, errors, work):
        log = os.path.join(work, "log")
        has_log = os.path.exists(log) and os.path.getsize(log) > 0
        return has_log or super().spoke(errors, work)

    def stop(self, process, work):
        # Its first process is the container's whole life; crun then ends and cleans up.
        try:
            with open(os.path.join(work, "state", self.identity(work), "status"),
                      encoding="utf-8") as status:
                os.kill(json.load(status)["pid"], signal.SIGKILL)
        except (OSError, ValueError, KeyError):
            process.kill()


ALL = (Bwrap, Firejail, Crun, Plain)


def most_favourable(seen):
    """Percent right where every report stands for the kind that it most often was.

    No reader of these reports can do better, whatever rules it has; details, such as which status or
    which call, are not asked for.
    """
    kinds = collections.defaultdict(collections.Counter)
    for kind, report in seen:
        kinds[report][kind] += 1
    return 100 * sum(max(count.values()) for count in kinds.values()) / len(seen)
