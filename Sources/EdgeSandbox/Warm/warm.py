"""A warm interpreter: it has loaded what its programs load, and is copied for each of them.

Nothing of a task is seen here. The jail hands over the namespaces of a run; this process forks, and
its child, born among the processes of the run, becomes the program. It is confined by the jail's
code, which is mapped here at the jail's addresses: filters let through what a launch has to do from
there alone. Only when it has come back from there does it read what it is to run.
"""
import atexit
import gc
import os
import sys

KNOWN, LOADED = set(sys.modules), set()
HERE = "/.warm/"
ORDERS, PLAN, JAIL = 5, 6, 8
READY, NEXT, ARGUMENTS, ENVIRONMENT, FAIL, WAIT, ENTER = range(7)


def map_jail():
    """Maps the segments of the jail's program, and returns its function for us."""
    import _ctypes

    class Word(_ctypes._SimpleCData):
        _type_ = "P"

    call, library = _ctypes.call_function, _ctypes.dlopen(None, 0)
    map_memory, clear = _ctypes.dlsym(library, "mmap"), _ctypes.dlsym(library, "memset")
    page = 4096

    def put(address, length, protection, flags, file, offset):
        # MAP_PRIVATE, MAP_FIXED_NOREPLACE
        arguments = (Word(address), Word(length), protection, flags | 0x100002, file, Word(offset))
        if length and call(map_memory, arguments) == -1:
            raise OSError("the jail's code cannot be mapped")

    def number(data, place, size):
        return int.from_bytes(data[place:place + size], "little")

    # elf(5): the program headers, each with type, flags, offset, address and both sizes.
    head = os.pread(JAIL, 64, 0)
    count, size = number(head, 56, 2), number(head, 54, 2)
    table = os.pread(JAIL, count * size, number(head, 32, 8))
    for place in range(0, count * size, size):
        if number(table, place, 4) != 1:  # PT_LOAD
            continue
        rights, offset, address = number(table, place + 4, 4), *(
            number(table, place + at, 8) for at in (8, 16))
        in_file, in_memory = number(table, place + 32, 8), number(table, place + 40, 8)
        # PF_X 1, PF_W 2, PF_R 4 are PROT_EXEC 4, PROT_WRITE 2, PROT_READ 1.
        protection = (rights & 1) << 2 | rights & 2 | rights >> 2 & 1
        lead = address % page
        put(address - lead, lead + in_file, protection, 0, JAIL, offset - lead)
        filled = address + in_file
        border = -(-filled // page) * page
        if rights & 2:
            call(clear, (Word(filled), 0, Word(border - filled)))
        # MAP_ANONYMOUS
        put(border, max(0, address + in_memory - border), protection, 0x20, -1, 0)
    entry = int.from_bytes(os.read(ORDERS, 8), "little")
    return lambda request, argument=0: call(entry, (request, argument))


def preload():
    """The modules that the launch names, as its program would load them."""
    with open(HERE + "order", encoding="ascii") as file:
        folder, *names = file.read().split("\n")
    for name in filter(None, names):
        with open(HERE + name + ".py", "rb") as file:
            module = type(sys)(name)
            module.__file__ = folder + "/" + name + ".py"
            code = compile(file.read(), module.__file__, "exec", dont_inherit=True)
        sys.modules[name] = module
        exec(code, module.__dict__)


def serve():
    """Makes a copy for each run; returns in the copies alone, with arguments and environment."""
    import mmap

    ask = map_jail()
    view = mmap.mmap(PLAN, 0, prot=mmap.PROT_READ)
    for name in set(sys.modules) - KNOWN:
        del sys.modules[name]
    preload()
    # What the interpreter makes when it compiles for the first time, all copies have.
    exec(compile("pass", "<string>", "exec", dont_inherit=True), {})
    LOADED.update(sys.modules)
    gc.collect()
    gc.freeze()
    ask(READY)
    while ask(NEXT) == 1:
        try:
            program = os.fork()
        except OSError as error:
            ask(FAIL, error.errno)
        if program == 0:
            return enter(ask, view)
        ask(WAIT, program)
    os._exit(0)


def enter(ask, view):
    tables = ask(ARGUMENTS), ask(ENVIRONMENT)
    ask(ENTER)
    texts = [texts_of(view, table) for table in tables]
    view.close()
    return texts


def texts_of(view, table):
    """The texts to which a table of offsets leads."""
    texts = []
    while place := int.from_bytes(view[table:table + 8], "little"):
        texts.append(view[place:view.find(b"\0", place)])
        table += 8
    return texts


def arrange(arguments, environment):
    """What the interpreter itself would have made of them."""
    # What is the same is not touched: it is shared with the interpreter.
    wanted, known = dict(entry.split(b"=", 1) for entry in environment), os.environb._data
    for name in [name for name in known if name not in wanted]:
        del os.environb[name]
    for name, value in wanted.items():
        if known.get(name) != value:
            os.environb[name] = value
    sys.orig_argv[:] = words = [os.fsdecode(word) for word in arguments]
    first = 1
    while words[first].startswith("-") and words[first] not in ("-c", "-m"):
        first += 1
    kind = words[first]
    sys.argv[:] = [kind] + words[first + (2 if kind in ("-c", "-m") else 1):]
    if kind == "-m":
        folder, file, text = os.getcwd(), None, words[first + 1]
    elif kind == "-c":
        folder, file, text = "", None, words[first + 1]
    else:
        file = kind if kind.startswith("/") else os.getcwd() + "/" + kind
        folder = os.path.dirname(os.path.realpath(file))
        try:
            with open(kind, "rb") as source:
                text = source.read()
        except OSError as error:
            sys.stderr.write("%s: can't open file %r: [Errno %d] %s\n" % (
                words[0], file, error.errno, error.strerror))
            sys.exit(2)
    if not sys.flags.safe_path:
        sys.path.insert(0, folder)
    return kind, file, text


def main_module(file):
    """An empty `__main__`, as the interpreter makes it."""
    module = type(sys)("__main__")
    module.__annotations__, module.__builtins__ = {}, __import__("builtins")
    module.__loader__ = __import__("_frozen_importlib").BuiltinImporter
    if file:
        from _frozen_importlib_external import SourceFileLoader

        module.__file__, module.__cached__ = file, None
        module.__loader__ = SourceFileLoader("__main__", file)
    sys.modules["__main__"] = module
    return module.__dict__


def status_of(error):
    """The exit status of a program that ends with an exception, after what is said about it."""
    if not isinstance(error, SystemExit):
        # The first frame is this file's.
        trace = error.__traceback__.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 255
    sys.stderr.write(str(error.code) + "\n")
    return 1


def leave(status):
    """The end of the interpreter for what the program has made. What was there before it is left
    as it is: to take that apart would copy all of it first."""
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    atexit._run_exitfuncs()
    own = [name for name in sys.modules if name not in LOADED] + ["__main__"]
    for module in [sys.modules.pop(name) for name in reversed(own)]:
        names = getattr(module, "__dict__", {})
        for name in sorted(names, key=lambda name: not name.startswith("_")):
            if name != "__builtins__":
                names[name] = None
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or 120
    os._exit(status)


if not sys.flags.safe_path:
    sys.path.pop(0)
TEXTS = serve()
STATUS = 0
main_module(None)
# Called from this very frame, the program has two frames less than it would have, and no more.
try:
    KIND, FILE, TEXT = arrange(*TEXTS)
    SPACE = main_module(FILE)
    if KIND == "-m":
        __import__("runpy")._run_module_as_main(TEXT)
    else:
        exec(compile(TEXT, FILE or "<string>", "exec", dont_inherit=True), SPACE)
except BaseException as error:
    STATUS = status_of(error)
leave(STATUS)
