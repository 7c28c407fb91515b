"""Power cuts, replayed from a trace: what no flush covered is gone, or there by chance.

The model. A file's content is durable up to the last fsync or fdatasync of it, or syncfs; a name is
durable after fsync of its directory, or syncfs. A rename is one change, durable with either
directory, and the changes of one file keep their order, as every journalling file system has it.
Everything else that happened before the cut is lost, or kept by the toss of a coin, each write and
each name for itself."""
import os
import random
import re
import shutil
import subprocess
import time

from check import Findings, check
from kills import Trial, wait_until_ended
from site_under_test import ROLES, Broken, Site

CALLS = ("openat,openat2,open,write,pwrite64,ftruncate,copy_file_range,linkat,renameat,"
         "renameat2,unlink,unlinkat,mkdir,mkdirat,fsync,fdatasync,syncfs")
# The flushes that can be left out. The coordinator flushes the folders of submitters and workers
# once more before it counts on a name there, so a folder's flush is left out on both sides.
FLUSHES = ("submit_file_fsync", "submit_folder_fsync", "admit_syncfs", "item_fsync",
           "outbox_folder_fsync", "settle_syncfs")
LINE = re.compile(r"^(\d+) +(\w+)\((.*)$", re.DOTALL)
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$", re.DOTALL)
TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')
FD = re.compile(r"(?:^|[ ,])(-?\d+|AT_FDCWD)<((?:[^>\\]|\\.)*)>(\(deleted\))?")
ESCAPE = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
NAMED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f", b"a": b"\a", b"b": b"\b"}


def unescape(text):
    def one(match):
        code = match[1]
        if code[:1] in b"01234567":
            return bytes([int(code, 8)])
        return NAMED.get(code, code)
    return ESCAPE.sub(one, text.encode("latin-1"))


class File:
    """An inode: what is on the disk for sure, and the writes since."""

    def __init__(self, stable=None):
        self.stable = stable
        self.size = len(stable or b"")


class Change:
    """One thing that happened, at a place in the trace: a write, a name, or a flush."""

    def __init__(self, kind, **more):
        self.kind = kind
        self.__dict__.update(more)


class Recording:
    """A traced run: the spool before it, and every change to it."""

    def __init__(self, base, keys, spool_path):
        self.base, self.keys, self.root = base, keys, spool_path
        self.changes, self.names, self.files, self.loose, self.reads = [], {}, {}, {}, {}
        for place, _, files in os.walk(base):
            for name in files:
                path = os.path.join(place, name)
                with open(path, "rb") as file:
                    self.names[os.path.relpath(path, base)] = File(file.read())
        self.first = dict(self.names)
        self.admitting = True

    def inside(self, path):
        return os.path.relpath(path, self.root) if path.startswith(self.root + "/") else (
            "." if path == self.root else None)

    def add(self, kind, **more):
        self.changes.append(Change(kind, **more))

    def file(self, thread, number, path):
        """The inode behind an annotated descriptor."""
        inside = self.inside(path)
        if inside is None or inside.endswith("-shm"):
            return None
        if "/#" in path:
            return self.loose.get(path)
        return self.names.get(inside)

    def path_of(self, descriptors, texts, index):
        """A path argument, absolute."""
        text = texts[index]
        if text.startswith("/") or not descriptors:
            return text
        return os.path.normpath(os.path.join(descriptors[min(index, len(descriptors) - 1)][1],
                                             text))

    def write(self, file, offset, data):
        self.add("write", file=file, offset=offset, data=data)
        file.size = max(file.size, offset + len(data))

    def rename(self, old, new):
        moved = self.names.pop(old, None)
        if moved is None:
            # A folder, which takes along what was made in it.
            inner = [c.put[len(old):] for c in self.changes
                     if c.kind == "name" and c.file is None and c.put.startswith(old)]
            self.add("name", file=None, remove=None, put=new, inner=inner)
            return
        self.names[new] = moved
        self.add("name", file=moved, remove=old, put=new)

    def apply(self, thread, call, text, started):
        """One finished call of the trace."""
        answer = re.search(r"= (-?\d+)", text[text.rfind(") ") if ") " in text else 0:])
        if not answer or int(answer[1]) < 0:
            return
        head = text[:text.rfind(") ")]
        texts = [unescape(t).decode("utf-8", "replace") for t in TEXT.findall(head)]
        descriptors = FD.findall(TEXT.sub('""', head))
        if call in ("openat", "openat2", "open"):
            self.opened(thread, text, descriptors, texts)
        elif call in ("write", "pwrite64"):
            self.written(thread, call, head, descriptors, int(answer[1]))
        elif call == "ftruncate":
            file = self.file(thread, descriptors[0][0], descriptors[0][1])
            if file:
                length = int(head.rsplit(", ", 1)[1])
                self.add("cut", file=file, length=length)
                file.size = length
        elif call == "copy_file_range":
            self.copied(thread, descriptors, int(answer[1]))
        elif call == "linkat":
            source = self.loose.get(self.reads.get((thread, texts[0].rsplit("/", 1)[1])))
            place = self.inside(os.path.join(descriptors[-1][1], texts[1]))
            if source and place:
                self.names[place] = source
                self.add("name", file=source, remove=None, put=place)
        elif call in ("renameat", "renameat2"):
            old, new = (self.inside(self.path_of(descriptors, texts, i)) for i in (0, 1))
            if old and new:
                self.rename(old, new)
        elif call in ("unlink", "unlinkat"):
            place = self.inside(self.path_of(descriptors, texts, 0))
            gone = self.names.pop(place, None) if place else None
            if gone:
                self.add("name", file=gone, remove=place, put=None)
        elif call in ("mkdir", "mkdirat"):
            place = self.inside(self.path_of(descriptors, texts, 0))
            if place:
                self.add("name", file=None, remove=None, put=place)
        elif call in ("fsync", "fdatasync", "syncfs"):
            self.flushed(thread, call, descriptors[0], started)

    def opened(self, thread, text, descriptors, texts):
        answer = re.search(r"= (\d+)<((?:[^>\\]|\\.)*)>(\(deleted\))?\s*$", text)
        if not answer:
            return
        path = answer[2]
        if "/#" in path and "O_TMPFILE" in text:
            self.loose[path] = File()
        inside = self.inside(path)
        if "O_CREAT" in text and inside and inside not in self.names and "/#" not in path and (
                not inside.endswith("-shm")):
            self.names[inside] = File()
            self.add("name", file=self.names[inside], remove=None, put=inside)
        if inside and '"incoming/' in text or "/incoming>" in text:
            self.admitting = True
        if inside and inside.endswith(".item"):
            self.admitting = False
        self.reads[thread, answer[1]] = path
        self.reads[thread, answer[1], "offset"] = 0

    def written(self, thread, call, head, descriptors, length):
        number, path = descriptors[0][0], descriptors[0][1]
        data = unescape(TEXT.search(head)[1])[:length]
        if call == "write" and path.endswith(".ids"):
            self.add("told", ids=data.decode().split())
            return
        file = self.file(thread, number, path)
        if file:
            at = int(head.rsplit(", ", 1)[1]) if call == "pwrite64" else file.size
            if len(data) != length:
                raise Broken(f"the trace cut a write of {length} bytes short")
            self.write(file, at, data)

    def copied(self, thread, descriptors, length):
        (number, source, _), (target, path, _) = descriptors[0], descriptors[1]
        file = self.file(thread, target, path)
        if not file or not length:
            return
        key = (thread, number, "offset")
        with open(source, "rb") as archive:
            data = archive.read()[self.reads.get(key, 0):][:length]
        self.reads[key] = self.reads.get(key, 0) + length
        self.write(file, file.size, data)

    def flushed(self, thread, call, descriptor, started):
        path = descriptor[1]
        inside = self.inside(path)
        if inside is None:
            return
        file = self.file(thread, descriptor[0], path)
        name = None
        if call == "syncfs":
            name = "admit_syncfs" if self.admitting else "settle_syncfs"
        elif inside.startswith("incoming"):
            name = "submit_file_fsync" if file else "submit_folder_fsync"
        elif inside.startswith("workers/local/outbox"):
            name = "item_fsync" if file else "outbox_folder_fsync"
        # It covers what had ended before it began.
        self.add("flush", file=file, folder=None if file else inside, all=call == "syncfs",
                 name=name, started=started)


def parse(recording, trace):
    """Reads a trace into changes, in the order in which the calls ended."""
    begun = {}
    with open(trace, encoding="latin-1") as file:
        for line in file:
            line = line.rstrip("\n")
            match = LINE.match(line)
            if match and line.endswith("<unfinished ...>"):
                begun[match[1]] = (match[2], match[3][:-len("<unfinished ...>")],
                                   len(recording.changes))
                continue
            resumed = RESUMED.match(line)
            if resumed and resumed[1] in begun:
                call, text, started = begun.pop(resumed[1])
                recording.apply(resumed[1], call, text.rstrip() + resumed[3], started)
            elif match:
                recording.apply(match[1], match[2], match[3], len(recording.changes))


def record(programs, folder, jobs):
    """Traces submitters, coordinator and worker on one spool from submit to the last result."""
    site = Site(programs, folder)
    site.spool = os.path.realpath(site.folder) + "/spool"
    site.init()
    base = f"{site.folder}/base"
    shutil.copytree(site.spool, base)
    submit = (f"{programs.path} submit --spool {site.spool} --count {jobs // 3} "
              f"{programs.archive}")
    serve = [" ".join(site.command(role)) for role in ROLES]
    script = (f"{submit} > {site.folder}/1.ids; {serve[0]} & echo $! > {site.folder}/pids; "
              f"{serve[1]} & echo $! >> {site.folder}/pids; "
              f"{submit} > {site.folder}/2.ids; {submit} > {site.folder}/3.ids; wait")
    trace = f"{site.folder}/trace"
    process = subprocess.Popen(
        ["strace", "-q", "-f", "--seccomp-bpf", "-y", "-s", "1000000", "-o", trace, "-e",
         "trace=" + CALLS, "sh", "-c", script], env=site.environment,
        stdin=subprocess.DEVNULL, stdout=site.errors, stderr=site.errors)
    ended = wait_until_ended(site, range(jobs // 3 * 3), 120)
    with open(f"{site.folder}/pids", encoding="ascii") as pids:
        for pid in pids.read().split():
            os.kill(int(pid), 15)
    process.wait(60)
    if not ended:
        raise Broken(f"the traced run did not end: {site.messages()}")
    recording = Recording(base, site.keys, site.spool)
    parse(recording, trace)
    return recording


def kept_changes(recording, cut, without, draw, chance):
    """For each change before the cut whether it is on the disk."""
    changes = recording.changes[:cut]
    kept = [change.kind in ("flush", "told") for change in changes]
    for change in changes:
        if change.kind != "flush" or change.name == without and without:
            continue
        for index in range(change.started):
            one = changes[index]
            if change.all or (one.kind in ("write", "cut") and one.file is change.file) or (
                    one.kind == "name" and change.folder is not None and change.folder in (
                        os.path.dirname(one.remove or "-") or ".",
                        os.path.dirname(one.put or "-") or ".")):
                kept[index] = True
    for index, change in enumerate(changes):
        if not kept[index] and draw.random() < chance:
            kept[index] = True
    # Names of one file keep their order.
    last = {}
    for index, change in enumerate(changes):
        if change.kind == "name" and change.file and kept[index]:
            last[id(change.file)] = index
    for index, change in enumerate(changes):
        if change.kind == "name" and change.file and index < last.get(id(change.file), -1):
            kept[index] = True
    return changes, kept


def rebuild(recording, path, changes, kept):
    """Writes the spool as the disk has it after the cut."""
    names = dict(recording.first)
    folders = []
    content = {id(file): bytearray(file.stable) for file in names.values()}
    for change, is_kept in zip(changes, kept):
        if not is_kept:
            continue
        data = content.setdefault(id(change.file), bytearray()) if change.kind in (
            "write", "cut") else None
        if change.kind == "write":
            if len(data) < change.offset:
                data.extend(bytes(change.offset - len(data)))
            data[change.offset:change.offset + len(change.data)] = change.data
        elif change.kind == "cut":
            del data[change.length:]
            data.extend(bytes(change.length - len(data)))
        elif change.kind == "name":
            if change.file is None:
                folders += [change.put + inner for inner in getattr(change, "inner", [""])]
                continue
            if change.remove and names.get(change.remove) is change.file:
                del names[change.remove]
            if change.put:
                names[change.put] = change.file
    for place, inner, _ in os.walk(recording.base):
        folders += [os.path.relpath(os.path.join(place, name), recording.base) for name in inner]
    os.makedirs(path, mode=0o700)
    for folder in sorted(set(folders)):
        if os.path.isdir(os.path.dirname(os.path.join(path, folder))):
            os.makedirs(os.path.join(path, folder), mode=0o700, exist_ok=True)
    for name, file in names.items():
        place = os.path.join(path, name)
        if name.endswith("-shm") or not os.path.isdir(os.path.dirname(place)):
            continue
        with open(place, "wb") as out:
            out.write(content.get(id(file), b""))
        os.chmod(place, 0o600)


def cut_trial(programs, folder, recording, seed, without, seconds=60):
    """One power cut: the spool as it would be found, put to work again, and judged."""
    draw = random.Random(seed)
    cut = draw.randrange(1, len(recording.changes))
    if draw.random() < 0.5:
        # Around a flush, where an order that is wrong would show.
        flushes = [i for i, change in enumerate(recording.changes)
                   if change.kind == "flush" and without in (None, change.name)]
        flush = draw.choice(flushes)
        after = 4
        if without:
            # Up to the next flush that covers everything.
            after = next((i for i in range(flush + 1, len(recording.changes)) if getattr(
                recording.changes[i], "all", False)), flush + after) - flush
        cut = max(1, min(len(recording.changes) - 1, flush + draw.randint(-1, after)))
    chance = draw.choice((0.0, 0.2, 0.5, 0.8))
    changes, kept = kept_changes(recording, cut, without, draw, chance)
    told = [job for change in changes if change.kind == "told" for job in change.ids]
    site = Site(programs, folder, keys=recording.keys)
    trial = Trial()
    try:
        rebuild(recording, site.spool, changes, kept)
        for role in ROLES:
            site.start(role)
        ended = wait_until_ended(site, told, seconds)
        if ended:
            time.sleep(0.1)
            ended = wait_until_ended(site, told, seconds)
        codes = {role: p.poll() for role, p in site.running.items()}
        site.stop()
        try:
            trial.findings = check(site, told, others_allowed=True)
        except Exception as error:  # a ledger that cannot even be read
            trial.findings = Findings()
            trial.findings["verify_failures"].append(str(error))
        if not ended:
            trial.findings["stuck"].append(f"processes {codes}")
        trial.note = f"[cut {cut}, chance {chance}] {site.messages()}"
        return trial
    finally:
        site.stop()
        site.remove()
