"""Judges a spool from outside: files and SQLite only, nothing of the program's own code."""
import base64
import hashlib
import json
import os
import sqlite3

from site_under_test import ASIDE, JOB, OPEN

# The published tariff: one credit for a CPU second, at least one micro-credit.
MICRO_PER_CPU_MS = 1000
FAILURES = ("lost", "double_results", "paid_twice", "ran_twice", "wrong_sums", "pending", "left_over",
            "verify_failures", "stuck")


class Findings(dict):
    """What is wrong, by kind; empty lists where nothing is."""

    def __init__(self):
        super().__init__({kind: [] for kind in FAILURES})

    def any(self):
        return any(self.values())

    def text(self):
        return "; ".join(f"{kind}: {', '.join(map(str, found[:3]))} ({len(found)})"
                         for kind, found in self.items() if found)


def frames(path):
    """The frames of a file in done/: kind (4), length (8), check (4), body."""
    with open(path, "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at + 4:at + 12], "big")
        body = data[at + 16:at + 16 + length]
        if len(body) != length:
            raise ValueError(f"a torn frame at byte {at}")
        found.append((data[at:at + 4].decode("ascii"), body))
        at += 16 + length
    return found


def entries(ledger):
    """Every entry of the ledger, with the problems of its chain."""
    database = sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)
    try:
        rows = database.execute("SELECT seq, body, prev, hash FROM entry ORDER BY seq").fetchall()
        postings = database.execute("SELECT job, phase FROM job_posting").fetchall()
        open_ones = database.execute("SELECT count(*) FROM reservation").fetchone()[0]
        accounts = database.execute(
            "SELECT name, dr_pend, dr_post, cr_pend, cr_post FROM account").fetchall()
    finally:
        database.close()
    problems, head, found = [], bytes(32), []
    for index, (seq, body, prev, stored) in enumerate(rows):
        leaf = hashlib.sha256(b"\0" + body).digest()
        if seq != index or prev != head or hashlib.sha256(prev + leaf).digest() != stored:
            problems.append(f"entry {seq} does not follow")
        head = stored
        found.append(json.loads(body))
    return found, postings, open_ones, accounts, problems


def price(receipt, reserved):
    usage = receipt["predicate"]["usage"]["cpuMs"]
    return min(max(1, usage * MICRO_PER_CPU_MS), reserved)


def check_done(site, job, posts, findings):
    """One finished job against the ledger; what its receipt is worth."""
    found = frames(os.path.join(site.spool, "done", job))
    tickets = [json.loads(body) for kind, body in found if kind == "ECTK"]
    receipts = [body for kind, body in found if kind == "ECRC"]
    results = [body for kind, body in found if kind == "ECRS"]
    if len(tickets) != 1 or len(receipts) != 1 or len(results) != 1 or tickets[0]["job"] != job:
        findings["double_results"].append(
            f"{job}: {len(tickets)} tickets, {len(receipts)} receipts, {len(results)} results")
        return 0
    receipt = json.loads(base64.b64decode(json.loads(receipts[0])["payload"]))
    if tickets[0].get("ending") != {"verdict": "passed"}:
        findings["lost"].append(f"{job} ended as {tickets[0].get('ending')}")
    said = receipt["predicate"]
    if said["job"] != job or said["result"] != hashlib.sha256(results[0]).hexdigest():
        findings["double_results"].append(f"{job}: its receipt signs something else")
    for post in posts[:1]:
        if post["receipt"] != hashlib.sha256(receipts[0]).hexdigest():
            findings["double_results"].append(f"{job}: another receipt was paid")
        if post["fence"] != said["fence"]:
            findings["double_results"].append(f"{job}: another fence was paid")
    return price(receipt, int(tickets[0]["reserved"]))


def check_cancelled(site, wanted, findings):
    """What had to be cancelled is in cancelled/ alone, and nothing of it was paid."""
    _, postings, _, _, _ = entries(os.path.join(site.spool, "ledger", "ledger.db"))
    found = [name for name in site.names("cancelled") if JOB.match(name)]
    for job in set(wanted) ^ set(found):
        findings["lost"].append(f"{job} is {'not ' if job in wanted else ''}cancelled")
    for job in found:
        phases = sorted(phase for name, phase in postings if name == job)
        if phases != ["end/1", "reserve/1"]:
            findings["double_results"].append(f"{job}: cancelled, phases {phases}")
    return found


def check_money(site, done, worth, findings, again=()):
    found, postings, open_ones, accounts, problems = entries(
        os.path.join(site.spool, "ledger", "ledger.db"))
    posts = {}
    for entry in found:
        if entry["type"] == "post":
            posts.setdefault(entry["job"], []).append(entry)
    total = sum(worth(job, posts.get(job, [])) for job in done)
    for job in done:
        phases = sorted(phase for name, phase in postings if name == job)
        rounds = range(1, 3 if job in again else 2)
        right = sorted(["result", *(f"{what}/{n}" for n in rounds for what in ("end", "reserve"))])
        if len(posts.get(job, [])) != 1 or phases != right:
            kind = "paid_twice" if len(posts.get(job, [])) > 1 else "double_results"
            findings[kind].append(f"{job}: {len(posts.get(job, []))} posts, phases {phases}")
    for job in posts.keys() - set(done):
        findings["lost"].append(f"{job} was paid and has no result")
    paid = sum(int(entry["transfers"][1]["amount"]) for job in posts.values() for entry in job)
    earned = sum(row[4] - row[2] for row in accounts if row[0].startswith("worker:"))
    if not total == paid == earned:
        findings["wrong_sums"].append(f"receipts {total}, posted {paid}, earned {earned}")
    if sum(row[2] for row in accounts) != sum(row[4] for row in accounts):
        findings["wrong_sums"].append("debits and credits differ")
    if open_ones or any(row[1] or row[3] for row in accounts):
        findings["pending"].append(f"{open_ones} reservations")
    findings["verify_failures"] += problems


def check(site, acknowledged, others_allowed=False, cancelled=(), again=()):
    """Everything that must hold when all has ended and nothing runs any more; those in `again` had
    two rounds."""
    findings = Findings()
    done = site.done()
    ended = [*done, *check_cancelled(site, cancelled, findings)]
    for job in set(acknowledged) - set(ended):
        findings["lost"].append(job)
    if len(set(ended)) != len(ended):
        findings["double_results"].append("a job is done and cancelled")
    if not others_allowed:
        findings["left_over"] += [f"done/{job}" for job in set(done) - set(acknowledged)]
    if len(set(acknowledged)) != len(acknowledged):
        findings["double_results"].append("an id was given twice")
    for folder in (*OPEN, *ASIDE):
        findings["left_over"] += [f"{folder}/{name}" for name in site.names(folder)
                                  if folder != "cancelled" or name not in ended]
    findings["left_over"] += [f"done/{name}" for name in site.names("done")
                              if not JOB.match(name)]

    def worth(job, posts):
        try:
            return check_done(site, job, posts, findings)
        except (ValueError, KeyError) as error:
            findings["double_results"].append(f"{job}: {error}")
            return 0

    check_money(site, done, worth, findings, again)
    try:
        site.call("ledger", "verify", "--spool", site.spool)
    except Exception as error:  # the program's own words
        findings["verify_failures"].append(str(error))
    return findings
