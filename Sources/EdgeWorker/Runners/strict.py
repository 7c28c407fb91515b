"""Strict comparison: what a test's own operators decide, and where values come from.

Test files are compiled here, with calls in the place of == != < <= > >= in and binary minus, so
that an object of the candidate's cannot make a comparison true by an operator of its own.
What this does not cover: operators other than these, and what a test asks of such an object by
calling it (len, sum, math.isclose). A class that the test itself names keeps its operators.
"""
import builtins
import os
import sys
from _ast import (
    AST, Assert, AsyncFunctionDef, BinOp, Call, ClassDef, Compare, Constant, FunctionDef, Load,
    Name, Store, Sub, alias)

Function, Code, Module = type(lambda: 0), type((lambda: 0).__code__), type(sys)

class StrictError(AssertionError):
    """A comparison whose outcome would be decided by the candidate's own operator."""


# --- Where things come from ---------------------------------------------------------------

def system_path():
    """The interpreter's own folders: the standard library, and what Debian installs."""
    version = "python%d.%d" % sys.version_info[:2]
    extra = [sys.prefix + "/local/lib/" + version + "/dist-packages",
             sys.prefix + "/lib/python3/dist-packages",
             sys.prefix + "/lib/" + version + "/site-packages"]
    return [path for path in extra if path not in sys.path]


LIBRARY, PACKAGES, HELPERS = list(sys.path), system_path(), []


def arrange_path(plan):
    """Library first (the workspace cannot shadow it), then tests, workspace, packages."""
    HELPERS.append(plan["tests"])
    inner = [plan["tests"], plan["workspace"]]
    if "conftest" in plan["without"]:
        inner.reverse()
    sys.path[:] = LIBRARY + inner + PACKAGES


def import_first(names, plan):
    """Imports the library modules that a test names before the candidate can touch them."""
    for name in names:
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names and name not in sys.modules:
            try:
                __import__(name)
            except ImportError:
                pass


def system_code(name, _cache={}):
    """All code objects of a system module, read again from where the interpreter keeps it."""
    if name not in _cache:
        codes, top = set(), name.partition(".")[0]
        _cache[name] = codes
        if name != "_pytest.python_api":
            from importlib.machinery import FrozenImporter, PathFinder
            path = LIBRARY + PACKAGES + HELPERS
            if name != top:
                path = [folder + "/" + name.rpartition(".")[0].replace(".", "/") for folder in path]
            spec = FrozenImporter.find_spec(name) or PathFinder.find_spec(name, path)
            if spec and spec.loader and hasattr(spec.loader, "get_code"):
                collect(spec.loader.get_code(name), codes)
        # approx and ANY equal what they like; a test that wants one makes it itself.
        codes -= {code for code in codes if name == "unittest.mock" and "ANY" in code.co_qualname}
    return _cache[name]


def collect(code, into):
    if code is not None:
        into.add(code)
        for constant in code.co_consts:
            if type(constant) is Code:
                collect(constant, into)


# --- Strict comparison --------------------------------------------------------------------
# A value of a class whose operator the candidate wrote never equals a value of any other kind.
# Two such values are compared by that operator: that is what a class under test is asked for.

TEST_CODES, MATCHERS = set(), []
PLAIN = {int, str, float, bool, type(None), bytes, complex, range, type, type(Ellipsis)}
KINDS = (list, tuple, dict, set, frozenset)
_mro = type.__dict__["__mro__"].__get__
_members = type.__dict__["__dict__"].__get__


def foreign(value, name="__eq__"):
    """Whether the operator of the value's class is Python code of the candidate."""
    cls = type(value)
    if cls in PLAIN or cls in KINDS or any(value is matcher for matcher in MATCHERS):
        return False
    for base in _mro(cls):
        members = _members(base)
        if name in members:
            found = members[name]
            if type(found) is Function:
                return not (found.__code__ in TEST_CODES or (
                    type(found.__module__) is str
                    and found.__code__ in system_code(found.__module__)))
            return type(found) not in (type(object.__eq__), type(list.append)) and found is not None
    return False


def kind(value):
    for base in _mro(type(value)):
        if base in KINDS:
            return base
    return None


def parts(value, base):
    return list(dict.items(value)) if base is dict else list(base.__iter__(value))


def holds_foreign(value, depth=0):
    if type(value) in PLAIN:
        return False
    if foreign(value):
        return True
    base, mock = kind(value), sys.modules.get("unittest.mock")
    if mock is not None and type(value) is mock._Call:
        return False  # a test's own list of expected calls, wildcards and all
    return base is not None and depth < 50 and any(
        holds_foreign(part, depth + 1) for part in parts(value, base))


def same(a, b, claim):
    """What to make of a claim that a equals b."""
    if claim is False or (type(a) in PLAIN and type(b) in PLAIN):
        return claim
    if foreign(a) or foreign(b):
        return claim if foreign(a) and foreign(b) else False
    if not (holds_foreign(a) or holds_foreign(b)):
        return claim
    base = kind(a)
    if base is not kind(b) or base is None:
        return claim if a is b else False
    left, right = parts(a, base), parts(b, base)
    if base in (list, tuple):
        return len(left) == len(right) and all(
            x is y or same(x, y, x == y) for x, y in zip(left, right))
    return len(left) == len(right) and all(
        any(x is y or same(x, y, x == y) for y in right) for x in left)


def refuse(operator, a, b, names, scope):
    """Stops where only the candidate's operator would decide, unless the test names its class."""
    odd = [any(foreign(value, name) for name in names) for value in (a, b)]
    if odd[0] != odd[1]:
        cls = type(a) if odd[0] else type(b)
        if not any(value is cls for value in scope.values()):
            raise StrictError("%r decided by a class of the candidate" % operator)


def contained(a, b, claim, scope):
    refuse("in", None, b, ("__contains__", "__iter__", "__getitem__"), scope)
    if claim and (holds_foreign(a) or holds_foreign(b)) and kind(b) is not None:
        items = list(b) if kind(b) is dict else parts(b, kind(b))
        return any(a is item or same(a, item, a == item) for item in items)
    return claim


ORDER = ("__lt__", "__le__", "__gt__", "__ge__")
LAST = [""]


def compare(scope, operators, *values):
    """The rewritten form of a comparison in a test: all operands, then from left to right."""
    for operator, a, b in zip(operators, values, values[1:]):
        if operator == "Eq":
            result = same(a, b, a == b)
        elif operator == "NotEq":
            result = a != b
        elif operator == "In":
            result = contained(a, b, a in b, scope)
        elif operator == "NotIn":
            result = not contained(a, b, a in b, scope)
        elif operator in ("Is", "IsNot"):
            result = (a is b) == (operator == "Is")
        else:
            refuse(operator, a, b, ORDER, scope)
            result = (a < b if operator == "Lt" else a <= b if operator == "LtE"
                      else a > b if operator == "Gt" else a >= b)
        if len(values) > 2 and not result or result is False:
            LAST[0] = (operator, a, b)
            return result
    return result


def subtract(scope, a, b):
    """Differences are how tests compare numbers, so an own minus must not decide either."""
    refuse("-", a, b, ("__sub__", "__rsub__"), scope)
    return a - b


def explain():
    """The message of an assertion without one."""
    last, LAST[0] = LAST[0], ""
    if not last:
        return "assertion failed"
    try:
        return "%s does not hold: %.600r, %.600r" % last
    except BaseException:
        return "%s does not hold" % last[0]


BOUND = set()  # names that the test files themselves assign


def rewrite(node):
    """Puts compare, subtract and explain into a syntax tree, in place of the operators."""
    for field in node._fields:
        value = getattr(node, field, None)
        if type(value) is list:
            value[:] = [rewrite(item) if isinstance(item, AST) else item for item in value]
        elif isinstance(value, AST) and value._fields:
            setattr(node, field, rewrite(value))
    if type(node) is Name and type(node.ctx) is Store:
        BOUND.add(node.id)
    elif type(node) in (FunctionDef, AsyncFunctionDef, ClassDef):
        BOUND.add(node.name)
    elif type(node) is alias:
        BOUND.add((node.asname or node.name).partition(".")[0])
    if type(node) is Compare:
        names = [type(operator).__name__ for operator in node.ops]
        if all(name in ("Is", "IsNot") for name in names):
            return node
        return call(node, "compare", [constant(node, tuple(names)), node.left, *node.comparators])
    if type(node) is BinOp and type(node.op) is Sub:
        return call(node, "subtract", [node.left, node.right])
    if type(node) is Assert and node.msg is None:
        node.msg = call(node.test, "explain", None)
    return node


def place(node, at):
    node.lineno, node.col_offset = at.lineno, at.col_offset
    node.end_lineno, node.end_col_offset = at.end_lineno, at.end_col_offset
    return node


def constant(at, value):
    return place(Constant(value), at)


def name(at, text):
    return place(Name(text, Load()), at)


def call(at, function, arguments):
    if arguments is not None:
        arguments = [place(Call(name(at, "_edge_scope"), [], []), at)] + arguments
    return place(Call(name(at, "_edge_" + function), arguments or [], []), at)


def imports(tree):
    """Modules that the file names at its top or inside its functions."""
    found = []
    stack = [tree]
    while stack:
        node = stack.pop()
        kind_ = type(node).__name__
        if kind_ == "Import":
            found += [alias.name for alias in node.names]
        elif kind_ == "ImportFrom" and node.level == 0:
            found.append(node.module)
        else:
            for field in ("body", "orelse", "handlers", "finalbody"):
                stack += getattr(node, field, None) or []
    return found


def compile_tests(path, strict=True):
    """The code of a test file, with strict comparison, and the modules that it imports."""
    with open(path, "rb") as file:
        tree = compile(file.read(), path, "exec", 0x400, dont_inherit=True)  # PyCF_ONLY_AST
    wanted = imports(tree)
    code = compile(rewrite(tree) if strict else tree, path, "exec", dont_inherit=True)
    collect(code, TEST_CODES)
    return code, wanted


OWN = {"_edge_compare": compare, "_edge_subtract": subtract, "_edge_explain": explain,
       "_edge_scope": builtins.globals, "__builtins__": builtins}
MODULE_NAMES = {"__name__", "__doc__", "__package__", "__loader__", "__spec__", "__build_class__"}


def new_module(path, code, title=None):
    module = Module(title or os.path.basename(path)[:-3])
    module.__file__ = path
    module.__dict__.update(OWN)
    sys.modules[module.__name__] = module
    return module


def intruder(module):
    """A name that somebody else put into a test file's globals while the file was loaded."""
    for key, value in OWN.items():
        if module.__dict__.get(key) is not value:
            return key
    for key, value in module.__dict__.items():
        if type(value) is Function and value.__code__ in TEST_CODES:
            if value.__builtins__ is not builtins.__dict__:
                return key + ".__builtins__"
    found = BOUND and (module.__dict__.keys() & builtins.__dict__.keys()) - BOUND - MODULE_NAMES
    return min(found) if found else None


def test_functions(module, code):
    """Name and function of every test, in the order of the file; only what the file wrote."""
    found = []
    for part in code.co_consts:
        if type(part) is Code and part.co_name.startswith("test"):
            function = module.__dict__.get(part.co_name)
            if type(function) is Function and function.__code__ is part:
                found.append((part.co_name, function))
    return tuple(found)


def load_stage(error, plan):
    """What a test file failed in that was not loaded: the candidate's source, or anything else."""
    try:
        file = error.filename if isinstance(error, SyntaxError) else None
        inside = isinstance(file, str) and file.startswith(plan["workspace"] + "/")
        return "(compile)" if inside else "(import)"
    except BaseException:
        return "(import)"


def describe(error):
    """Type, text and the line of the test, for people; runs the candidate's __str__ guarded."""
    try:
        text = "%s: %s" % (type(error).__name__, str(error)[:1500])
        trace, line = error.__traceback__, ""
        while trace is not None:
            code = trace.tb_frame.f_code
            if code in TEST_CODES:
                line = " (%s:%d)" % (os.path.basename(code.co_filename), trace.tb_lineno)
            trace = trace.tb_next
        return text + line
    except BaseException:
        return "an exception that cannot be shown"
