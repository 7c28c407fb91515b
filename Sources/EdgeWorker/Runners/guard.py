"""In-process defences of the Python runners: fingerprints and locked reports.

The candidate's code runs in the same interpreter as the tests, so none of this is a wall:
 * code that changes the framework and puts it back between two looks at it is not seen;
 * native code (an extension module, /proc/self/mem where the process is dumpable) can read the
   token and write any record; _ctypes is refused, an own extension module is not;
 * a candidate may read the expected values from the tests that call it.
What is out of its reach (the final report, names that never appeared, files of the tests, the
next file's process) is held by supervise.py and by the sandbox. Each defence has a name, and the
plan's "without" turns it off so that a test can show what it is good for.
"""
import builtins
import os
import sys

from strict import Function, compare, intruder

BANNED_IMPORTS = ("_ctypes", "_cffi_backend", "_testcapi", "_testinternalcapi")
BANNED_EVENTS = {
    "gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames",
    "sys._current_exceptions", "sys.settrace", "sys.setprofile", "sys.addaudithook",
    "ctypes.dlopen"}
_members = type.__dict__["__dict__"].__get__


# --- Fingerprints -------------------------------------------------------------------------

class Watch:
    """Remembers what modules and their classes hold, and names the first thing that changed."""

    def __init__(self, modules):
        self.entries, self.sizes, self.seen, self.checks = [], [], set(), []
        self.trusted = set()  # code that may be hung on a class while tests run
        self.builtin_names = frozenset(builtins.__dict__)
        self.add(builtins)
        for module in modules:
            self.add(module)

    def add(self, module):
        if id(module) in self.seen:
            return
        self.seen.add(id(module))
        self.remember(module.__name__, module.__dict__, module)
        for value in list(module.__dict__.values()):
            if isinstance(value, type) and id(value) not in self.seen:
                self.seen.add(id(value))
                self.remember(value.__module__ + "." + value.__qualname__, _members(value), value)

    def add_test(self, module):
        """A test file's module, as soon as it is loaded."""
        self.add(module)
        name = intruder(module)
        if name:
            self.checks.append(lambda: module.__name__ + "." + name)

    def remember(self, title, members, owner):
        self.sizes.append((title, members, frozenset(members), isinstance(owner, type), owner))
        test = owner.__name__ in sys.modules and getattr(owner, "_edge_compare", None) is compare
        for key, value in list(members.items()):
            function = value.__func__ if type(value) in (staticmethod, classmethod) else value
            code = function.__code__ if type(function) is Function else None
            # Plain data changes in the life of a module; what is called must not.
            if callable(function) or (code is None and type(value) is property):
                if not (test and code is None and not isinstance(value, type)):
                    self.entries.append((title, members, key, value, function, code))

    def changed(self):
        for title, members, key, value, function, code in self.entries:
            replaced = code is not None and function.__code__ is not code
            if replaced or members.get(key) is not value:
                return title + "." + key
        for title, members, names, is_class, _ in self.sizes:
            if len(members) != len(names):
                for key in members.keys() - names:
                    if key in self.builtin_names and key not in ("__doc__", "__file__") or (
                            is_class and callable(members[key]) and not (
                                type(members[key]) is Function
                                and members[key].__code__ in self.trusted)):
                        return title + "." + key
        return next(filter(None, [check() for check in self.checks]), None)


# --- Locked reports -----------------------------------------------------------------------

def lock(sink, quote, watch, without, allowed=None):
    """Installs the audit hooks and returns nothing to hold: reports are events.

    The token lives in the closure of a hook. The interpreter keeps hooks where Python code
    finds them only through the garbage collector, whose searches the other hook refuses.
    A report is taken only from the frame that announced itself before the candidate was
    loaded or, for pytest, from a stack that `allowed` accepts.
    """
    write, getframe, own, getpid = os.write, sys._getframe, watch.changed, os.getpid
    pid = getpid()
    guarded, token = "integrity" not in without, os.urandom(16).hex()
    write(sink, ('["%s","token","","","",0]\n' % token).encode("ascii"))
    state = {"frame": None, "why": "", "done": False, "count": 0}

    def deny(event, arguments):
        if event in BANNED_EVENTS or (event == "import" and arguments[0] in BANNED_IMPORTS):
            error = ImportError if event == "import" else RuntimeError
            raise error(event + " is refused in tests")

    def report(event, arguments):
        if not event.startswith("edgecoder."):
            return
        frame = getframe(1)
        if event == "edgecoder.frame" and state["frame"] is None:
            state["frame"] = frame
            return
        if getpid() != pid or state["done"]:
            return
        if guarded:
            accepted = allowed(frame, state["frame"]) if allowed else frame is state["frame"]
            if not accepted:
                state["why"] = state["why"] or "a report came from outside the test framework"
            state["count"] += 1
            # A look takes a millisecond or two, so after the first few tests not every time.
            if event == "edgecoder.end" or state["count"] < 8 or state["count"] % 16 == 0:
                changed = own()
                if changed and not state["why"]:
                    state["why"] = "the test framework was modified: " + changed
        if event == "edgecoder.end":
            fields, state["done"] = ("end", "", "", state["why"], 0), True
        else:
            fields = ("test",) + arguments
        text = ",".join([
            quote(f.encode("utf-8", "replace").decode()[:2000]) if f.__class__ is str else "%d" % f
            for f in fields])
        line = ("[" + quote(token) + "," + text + "]\n").encode("ascii")
        while line:
            line = line[write(sink, line):]

    sys.addaudithook(report)
    if guarded:
        sys.addaudithook(deny)  # the last one that can be added
