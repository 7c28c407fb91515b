"""Starts supervise.py. The modules beside this file are compiled, or come compiled.

Compiling them takes half as long as starting the interpreter, so the worker may put `compiled`
there: the interpreter's magic number and a marshalled table of code objects. If the number is not
this interpreter's, the sources count.
"""
import sys

HERE = sys.path.pop(0)

import marshal
from _frozen_importlib_external import MAGIC_NUMBER

CODES = {}


def read_codes():
    try:
        with open(HERE + "/compiled", "rb") as file:
            if file.read(len(MAGIC_NUMBER)) == MAGIC_NUMBER:
                CODES.update(marshal.load(file))
    except OSError:
        pass


def load(name):
    """Makes the module of that name, and returns it."""
    if name in WARM:
        return sys.modules[name]
    module, code = type(sys)(name), CODES.get(name)
    module.__file__ = HERE + "/" + name + ".py"
    if code is None:
        with open(module.__file__, "rb") as source:
            code = compile(source.read(), module.__file__, "exec")
    sys.modules[name] = module
    exec(code, module.__dict__)
    return module


# A warm interpreter has them all; nothing else loads one of these names before us.
WARM = {"supervise", "strict", "guard", "plain", "pytests"} & sys.modules.keys()
if not WARM:
    read_codes()
load("supervise").main(load)
