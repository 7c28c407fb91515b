"""Runs one file of plain tests: every top-level function whose name starts with "test".

A test is named FILE::FUNCTION, FILE relative to the tests folder. The file may import the
candidate's modules, helpers beside it, the standard library and the system's packages.
"""
import os
import sys
import time

import guard
import strict


def main(plan, file, sink, quote):
    path = os.path.join(plan["tests"], file)
    code, wanted = strict.compile_tests(path, "strict" not in plan["without"])
    strict.import_first(wanted, plan)
    modules = [sys.modules[name] for name in wanted if name in sys.modules]
    watch = guard.Watch(modules + [guard, strict, sys.modules[__name__], time, os])
    strict.arrange_path(plan)
    os.chdir(plan["workspace"])
    guard.lock(sink, quote, watch, plan["without"])
    audit, clock = sys.audit, time.perf_counter
    module = strict.new_module(path, code)
    # Reports are taken only from the frame that runs from here to the end (see guard.lock).
    audit("edgecoder.frame")
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        name = file + "::" + strict.load_stage(error, plan)
        audit("edgecoder.test", name, "failed", strict.describe(error), 0)
        tests = ()
    else:
        tests = strict.test_functions(module, code)
        watch.add_test(module)
    for name, function in tests:
        begin = clock()
        try:
            function()
            status, message = "passed", ""
        except BaseException as error:
            status, message = "failed", strict.describe(error)
        audit("edgecoder.test", file + "::" + name, status, message, int((clock() - begin) * 1000))
    audit("edgecoder.end")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    os._exit(0)
