"""Trials with SIGKILL: one process, both, or the same one twice, at drawn calls."""
import random
import time

import moments
from check import Findings, check
from site_under_test import ROLES, Broken, Site


class Trial:
    """What one trial gave."""

    def __init__(self):
        self.state = None
        self.kills = 0
        self.findings = Findings()
        self.note = ""
        self.seconds = 0.0


def undisturbed(programs, folder, jobs):
    """The calls of one run without a kill, by state."""
    found = {}
    for role in ROLES:
        site = Site(programs, folder)
        try:
            site.init()
            ids = site.submit(jobs // 2)
            trace = f"{site.folder}/trace"
            pid = site.start(role, moments.before(role, trace)).pid
            for other in ROLES:
                if other != role:
                    site.start(other)
            ids += site.submit(jobs - jobs // 2)
            wait_until_ended(site, ids, 120 + jobs)
            site.stop()
            moments.wait_for_end(trace, pid)
            by_state = moments.candidates(moments.events(trace, role, pid))
            found.update({s: c for s, c in by_state.items() if moments.ROLE.get(s) == role})
            findings = check(site, ids)
            if findings.any():
                raise Broken(f"a run without a kill: {findings.text()}")
        finally:
            site.stop()
            site.remove()
    missing = [state for state in moments.STATES if not found.get(state)]
    if missing:
        raise Broken(f"no call of {', '.join(missing)} was seen in the trace")
    return found


def wait_until_ended(site, ids, seconds, on_death=None):
    """False where the jobs did not end in time, or a process ended that nobody killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for role, process in list(site.running.items()):
            if process.poll() is not None and not (on_death and on_death(role, process)):
                return False
        if len(site.done()) >= len(ids) and site.is_quiet():
            return True
        time.sleep(0.02)
    return False


class Killer:
    """Starts the victim under strace, and starts again whatever died."""

    def __init__(self, site, choices, state, draw):
        self.site = site
        self.choices = choices
        self.draw = draw
        self.role = moments.ROLE[state]
        self.call, self.when = draw.choice(choices[state])
        self.both = draw.random() < 0.15
        self.lives = self.left = 2 if draw.random() < 0.25 else 1
        self.trial = Trial()
        self.trace = f"{site.folder}/trace"
        self.pid = None

    def start(self):
        self.pid = self.site.start(
            self.role, moments.before(self.role, self.trace, self.call, self.when)).pid
        for other in ROLES:
            if other != self.role:
                self.site.start(other)

    def on_death(self, role, process):
        """Restarts what was killed; False where it ended by itself."""
        if process.returncode != -9:
            self.trial.note = f"{role} ended with {process.returncode}"
            return False
        if role != self.role or process.pid != self.pid:
            self.site.start(role)
            return True
        self.trial.kills += 1
        if self.both:
            self.both = False
            for other in ROLES:
                if other != role and self.site.running[other].poll() is None:
                    self.site.running[other].kill()
                    self.site.running[other].wait()
                    self.trial.kills += 1
        if self.trial.state is None and self.left == self.lives:
            moments.wait_for_end(self.trace, process.pid)
            self.trial.state = moments.state_of_kill(
                self.trace, role, process.pid, self.call, self.when)
        self.left -= 1
        if self.left <= 0:
            self.site.start(role)
            return True
        # Once more, early in its second life.
        state = self.draw.choice([s for s in moments.STATES if moments.ROLE[s] == role])
        early = self.choices[state][:max(1, len(self.choices[state]) // 3)]
        call, when = self.draw.choice(early)
        self.pid = self.site.start(
            role, moments.before(role, f"{self.trace}-2", call, when)).pid
        return True


def kill_trial(programs, folder, jobs, choices, state, seed, seconds=None):
    """One trial: submits, kills, restarts, waits, judges."""
    site = Site(programs, folder)
    draw = random.Random(seed)
    started = time.monotonic()
    seconds = seconds or 60 + jobs
    try:
        site.init()
        ids = site.submit(jobs // 2)
        killer = Killer(site, choices, state, draw)
        killer.start()
        ids += site.submit(jobs - jobs // 2)
        ended = wait_until_ended(site, ids, seconds, killer.on_death)
        site.stop()
        trial = killer.trial
        trial.findings = check(site, ids)
        if not ended:
            trial.findings["stuck"].append(trial.note or f"not ended after {seconds} s")
        if trial.findings.any():
            trial.note += f" [{killer.call} number {killer.when}] {site.messages()}"
        trial.seconds = time.monotonic() - started
        return trial
    finally:
        site.stop()
        site.remove()
