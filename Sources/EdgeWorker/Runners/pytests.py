"""Runs one file under pytest, told to take nothing from the workspace but the solution.

No conftest.py, no pytest.ini, no plugin by entry point, no cache; test files are compiled here
(strict comparison, see strict.py) and pytest only collects and calls them. A test is named by its
node id relative to the tests folder: FILE::CLASS::METHOD, FILE::FUNCTION, FILE::FUNCTION[id].
"""
import os
import sys

import guard
import strict

sys.path[:] = strict.LIBRARY + strict.PACKAGES

import unittest

import _pytest.python
import pytest

FRAMEWORK = ("pytest", "_pytest", "pluggy", "unittest")
# Parts of pytest that no test file can reach, or that write into the workspace.
UNUSED = ("cacheprovider", "junitxml", "pastebin", "nose", "doctest", "stepwise", "faulthandler",
          "setuponly", "setupplan", "legacypath", "logging", "warnings")


def strict_unittest():
    """Makes the assert methods of unittest refuse what strict.compare would refuse."""
    case = unittest.TestCase

    def wrap(name, check):
        original = case.__dict__[name]

        def method(self, first, second, *rest, **named):
            first, second = check(self, first, second)
            return original(self, first, second, *rest, **named)

        method.__name__ = name
        setattr(case, name, method)

    def equal(self, first, second):
        claim = first == second
        if claim is not False and strict.same(first, second, claim) is False:
            self.fail("%.300r equals %.300r only by an operator of the candidate" % (first, second))
        return first, second

    def ordered(self, first, second):
        strict.refuse("order", first, second, strict.ORDER, sys._getframe(2).f_globals)
        return first, second

    def near(self, first, second):
        names = ("__eq__", "__sub__", "__rsub__", "__round__")
        strict.refuse("difference", first, second, names, sys._getframe(2).f_globals)
        return first, second

    def member(self, first, second):
        claim = first in second
        if strict.contained(first, second, claim, sys._getframe(2).f_globals) != claim:
            self.fail("membership holds only by an operator of the candidate")
        return first, second

    def counted(self, first, second):
        first, second = list(first), list(second)
        if strict.holds_foreign(first) != strict.holds_foreign(second):
            self.fail("elements are equal only by an operator of the candidate")
        return first, second

    for name in ("assertEqual", "assertListEqual", "assertTupleEqual", "assertSetEqual",
                 "assertDictEqual", "assertSequenceEqual", "assertMultiLineEqual"):
        wrap(name, equal)
    for name in ("assertLess", "assertLessEqual", "assertGreater", "assertGreaterEqual"):
        wrap(name, ordered)
    for name in ("assertAlmostEqual", "assertNotAlmostEqual"):
        wrap(name, near)
    for name in ("assertIn", "assertNotIn"):
        wrap(name, member)
    wrap("assertCountEqual", counted)


def strict_approx():
    """Only an approx made by the test itself may equal a number."""
    original = pytest.approx

    def approx(expected, rel=None, abs=None, nan_ok=False):
        made = original(expected, rel=rel, abs=abs, nan_ok=nan_ok)
        if sys._getframe(1).f_code in strict.TEST_CODES:
            strict.MATCHERS.append(made)
        return made

    pytest.approx = approx


class Reporter:
    """Turns pytest's reports into records; its frames are the only ones that may."""

    def __init__(self, watch, audit):
        self.watch, self.audit, self.stage = watch, audit, "(collection)"

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session):
        """Before the first test file is loaded: who listens to pytest, from now to the end."""
        manager, known = session.config.pluginmanager, {}

        def listeners():
            for name, caller in manager.hook.__dict__.items():
                if not name.startswith("_"):
                    now = [(impl, impl.function) for impl in caller.get_hookimpls()]
                    if known.setdefault(name, now) != now:
                        return "the hook " + name
            return None

        listeners()
        self.watch.checks.append(listeners)

    def pytest_collectreport(self, report):
        if report.failed:
            self.audit("edgecoder.test", (report.nodeid or "session") + "::" + self.stage, "failed",
                       report.longreprtext[-1500:], 0)

    def pytest_runtest_logreport(self, report):
        status, expected_failure = report.outcome, hasattr(report, "wasxfail")
        if report.when != "call" and status == "passed":
            return
        text = "" if status == "passed" else report.longreprtext[-1500:]
        if expected_failure and status == "skipped":
            text = "expected failure: " + text
        self.audit("edgecoder.test", report.nodeid, status, text, int(report.duration * 1000))


def stack_rule(watch, own):
    """Accepts a report whose callers, up to our main, are all code of pytest and pluggy."""
    codes = set(own)
    for entry in watch.entries:
        if entry[5] is not None:
            strict.collect(entry[5], codes)
            strict.collect(getattr(entry[4].__dict__.get("__wrapped__"), "__code__", None), codes)

    watch.trusted = codes

    def allowed(frame, main):
        while frame is not None and frame is not main:
            if frame.f_code not in codes:
                return False
            frame = frame.f_back
        return frame is main

    return allowed


def main(plan, file, sink, quote):
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    path, without = os.path.join(plan["tests"], file), plan["without"]
    exact = "strict" not in without
    code, wanted = strict.compile_tests(path, exact)
    strict.import_first(wanted, plan)
    if exact:
        strict_unittest()
    strict_approx()
    def load(found, **_):
        module = strict.new_module(path, code)
        if str(found) != path:
            raise ImportError("not a test file of this task: %s" % found)
        try:
            exec(code, module.__dict__)
        except BaseException as error:
            sys.modules.pop(module.__name__, None)
            if strict.load_stage(error, plan) == "(compile)":
                reporter.stage = "(compile)"
            raise
        watch.add_test(module)
        return module

    arguments = [path, "-q", "-c", "/dev/null", "--rootdir=" + plan["tests"], "--assert=plain",
                 "--tb=short", "--no-header", "-p", "no:terminalreporter"]
    for name in UNUSED:
        arguments += ["-p", "no:" + name]
    strict.arrange_path(plan)
    os.chdir(plan["workspace"])
    if "conftest" in without:
        arguments += ["-p", "conftest"]
    else:
        arguments.append("--noconftest")
    _pytest.python.import_path = load
    names = [name for name in sys.modules if name.partition(".")[0] in FRAMEWORK] + wanted
    watch = guard.Watch([guard, strict, sys.modules[__name__], os] + [
        sys.modules[name] for name in names if name in sys.modules])
    audit, run = sys.audit, pytest.main
    reporter = Reporter(watch, audit)
    own = [f.__code__ for f in (Reporter.pytest_collectreport, Reporter.pytest_runtest_logreport)]
    guard.lock(sink, quote, watch, without, stack_rule(watch, own))
    audit("edgecoder.frame")
    run(arguments, [reporter])
    audit("edgecoder.end")
    os._exit(0)
