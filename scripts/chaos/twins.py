"""The same trials with one protection removed: they must fail, or they prove nothing."""
import os
import shutil

import kills
import powercut
from site_under_test import Broken, Programs

# What makes a second payment of a job impossible: the key of job_posting, the look-up before it,
# the unique ids of transfers, and the reservation that is used up. The program refuses a ledger
# whose schema is not its own, so it is the program that is changed: its SQL, length for length.
WEAKER = [
    (b",\n  PRIMARY KEY(job, phase)\n) STRICT, WITHOUT ROWID", b"\n) STRICT"),
    (b"SELECT phase, seq FROM job_posting WHERE job = ?",
     b"SELECT phase, seq FROM job_posting WHERE 0   = ?"),
    (b"id BLOB NOT NULL UNIQUE CHECK(length(id) = 16)",
     b"id BLOB NOT NULL CHECK(length(id) = 16)"),
    (b"pending BLOB REFERENCES transfer(id)", b"pending BLOB"),
    (b"transfer BLOB NOT NULL PRIMARY KEY REFERENCES transfer(id)",
     b"transfer BLOB NOT NULL PRIMARY KEY"),
    (b"(SELECT 1 FROM transfer WHERE id = NEW.id)", b"(SELECT 1 FROM transfer WHERE id IS NULL)"),
    (b"DELETE FROM reservation WHERE transfer = NEW.pending;",
     b"DELETE FROM reservation WHERE transfer = NULL;"),
    (b"CREATE UNIQUE INDEX transfer_pending", b"CREATE INDEX transfer_pending"),
    (b"CHECK(dr_pend >= 0)", b"CHECK(dr_pend OR 1)"),
    (b"CHECK(cr_pend >= 0)", b"CHECK(cr_pend OR 1)"),
]


def forgetful(programs, folder):
    """A copy of the program whose ledger has no unique keys and does not look for them."""
    origin = os.path.dirname(programs.path)
    place = os.path.join(folder, "forgetful")
    shutil.copytree(os.path.join(origin, "sandbox-profiles"),
                    os.path.join(place, "sandbox-profiles"))
    shutil.copy2(os.path.join(origin, "edgecoder-jail"), place)
    with open(programs.path, "rb") as file:
        code = file.read()
    for text, instead in WEAKER:
        if text not in code:
            raise Broken(f"the program's SQL has changed: there is no {text.decode()}")
        # SQL does not mind spaces; put where they change no token.
        code = code.replace(text, instead + b" " * (len(text) - len(instead)))
    path = os.path.join(place, "edgecoder")
    with open(path, "wb") as out:
        out.write(code)
    os.chmod(path, 0o755)
    return Programs(place, place)


def without_unique_key(programs, folder, chosen):
    """How soon a double payment was found without the ledger's keys; None where it never was."""
    jobs = 20
    choices = kills.undisturbed(programs, folder, jobs)
    weak = forgetful(programs, folder)
    for number in range(12 if chosen.quick else 40):
        trial = kills.kill_trial(weak, folder, jobs, choices, "settle",
                                 f"{chosen.seed}-key-{number}", seconds=10)
        if trial.findings["paid_twice"]:
            return f"paid_twice_after_{number + 1}_trials"
    return None


def without_flush(programs, folder, recording, kind, chosen):
    """What was found wrong when the flushes of one kind do not happen; None where nothing was."""
    for number in range(60 if chosen.quick else 200):
        trial = powercut.cut_trial(programs, folder, recording, f"{chosen.seed}-{kind}-{number}",
                                   kind, seconds=8)
        for wrong in ("lost", "double_results", "paid_twice", "pending", "left_over", "stuck"):
            if trial.findings[wrong]:
                return f"{wrong}_after_{number + 1}_cuts"
    return None
