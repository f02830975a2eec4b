"""CPython's own test suite with and without Neap: the same tests fail, by name.

    cpython_suite.py [--python PATH] [--quick] [MODULE ...]

Each module of the suite runs in a process of its own under `neap run` and on the
plain interpreter. A test that fails under Neap only is run again on both sides:
if it fails under Neap every time and never without, Neap has added a failure,
and the exit code is 1; else it is named as flaky. A death by a signal or a line
of Neap's is never taken for flaky. The few tests that want pymalloc itself are
named with the reason. With --quick the modules nearest to memory,
and the plain side only where something failed.
"""
import argparse
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("NEAP_BUILD", HERE.parent.parent / "build")).resolve()
DEBIAN = "/usr/bin/python3.11"  # whose suite is in the package libpython3.11-testsuite
AGAIN = 2  # times that a difference is tried again

# Modules of --quick; patterns choose some of a module's tests where all would take too long.
QUICK = {name: () for name in """
    test_gc test_dict test_list test_set test_bytes test_unicode test_long test_float test_json test_pickle
    test_copy test_deque test_weakref test_generators test_memoryview test_array test_bigmem test_descr test_struct
    test_re test_decimal test_io test_os test_sys test_threading test_thread test_fork1 test_wait3 test_wait4
    test_posix test_ctypes test_capi test_embed test_tracemalloc test_interpreters test__xxsubinterpreters
    test__interpreters test_atexit test_faulthandler test_mmap test_resource test_sqlite3 test_context
    test_tuple test_buffer test_iter test_itertools test_xml_etree_c
""".split()}
QUICK["test_subprocess"] = ("*ProcessTestCase*", "*POSIXProcessTestCase*")
QUICK["test_faulthandler"] = ("*fatal*", "*gil*", "*enable*")
QUICK["test_io"] = ("*CIO*", "*CBuffered*", "*CText*")

# Differences that are as they must be: what fails because Neap's heap serves and not pymalloc.
EXPECTED = {
    "test_cmd_line.CmdLineTest.test_pythonmalloc": "asks the allocator's name, which is none of CPython's own",
    "test_sys.SysModuleTest.test_debugmallocstats": "wants pymalloc's own statistics; `neap stat` has the heap's",
    "test_sys.SysModuleTest.test_getallocatedblocks": "counts pymalloc's blocks, of which there are none",
}


class Side:
    """What one module did on one side, with Neap or without."""

    def __init__(self, failures, ran, skipped, seconds):
        self.failures = failures  # ids of tests, or "MODULE: what happened to all of it"
        self.ran = ran
        self.skipped = skipped
        self.seconds = seconds


def environment():
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("NEAP_", "PYTHON", "PYENV_VERSION")) and name != "LD_PRELOAD"}
    kept["PYTHONDONTWRITEBYTECODE"] = "1"
    return kept


def run_module(python, module, patterns, neap, timeout):
    """Runs one module to its end; never raises."""
    with tempfile.TemporaryDirectory(prefix="neap-suite-") as folder:
        report = os.path.join(folder, "report.xml")
        command = [python, "-m", "test", "--timeout", str(timeout), "--junit-xml", report, "-W"]
        for pattern in patterns:
            command += ["-m", pattern]
        command = ([str(BUILD / "neap"), "run", "--"] if neap else []) + command + [module]
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, env=environment(), start_new_session=True)
        try:
            output = process.communicate(timeout=timeout + 60)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()[0] + b"\nTimeout"
        seconds = time.monotonic() - started
        return read_side(module, process.returncode, output.decode(errors="replace"), report, seconds)


def failed_parts(output):
    """Tests of which a part failed (subTest): the report leaves these out, what is printed does not."""
    for test, place in re.findall(r"^(?:FAIL|ERROR): (\w+) \(([\w.]+)\) [(\[]", output, re.MULTILINE):
        yield place if place.endswith("." + test) else "%s.%s" % (place, test)  # up to 3.10 without the test


def read_side(module, code, output, report, seconds):
    failures, skipped, ran = set(), set(), 0
    if os.path.exists(report):
        for case in ElementTree.parse(report).iter("testcase"):
            kinds = {child.tag for child in case}
            ran += 1
            if kinds & {"failure", "error"}:
                failures.add(case.get("name"))
            elif "skipped" in kinds or case.get("result") == "skipped":
                skipped.add(case.get("name"))
    failures.update(failed_parts(output))
    if "Timeout" in output and code != 0:
        failures.add("%s: timeout" % module)
    elif code < 0:
        failures.add("%s: killed by %s" % (module, signal.Signals(-code).name))
    elif code not in (0, 4) and not failures:  # 4: no test ran
        failures.add("%s: exit %d" % (module, code))
    if "env changed" in output:
        failures.add("%s: environment changed" % module)
    failures.update("%s: %s" % (module, re.sub("0x[0-9a-f]+", "0x...", line))
                    for line in output.splitlines() if is_grave(line) and line.startswith("neap:"))
    return Side(failures, ran, skipped, seconds)


def is_grave(failure):
    """What is never taken for flaky: misuse of memory seen, or the death of the interpreter."""
    return bool(re.search(r"killed by SIG(SEGV|ABRT|BUS|ILL)|neap: .*(free|write|block|heap)", failure))


def expected(failure):
    """Why a failure is as it must be, or None."""
    return next((why for name, why in EXPECTED.items() if failure.endswith(name)), None)


class Comparison:
    """One module on both sides."""

    def __init__(self, python, module, patterns, timeout, lazy):
        self.module = module
        self.side = lambda neap: run_module(python, module, patterns, neap, timeout)
        self.neap = self.side(True)
        needless = lazy and not self.neap.failures and self.neap.ran
        self.plain = None if needless else self.side(False)
        self.added, self.flaky, self.gone, self.expected = set(), set(), set(), set()
        if self.plain:
            self.compare()

    def compare(self):
        self.gone = self.plain.failures - self.neap.failures
        suspects = self.neap.failures - self.plain.failures
        always, ever_plain = set(suspects), set()
        for _ in range(AGAIN):
            if not always:
                break
            always &= {one for one in suspects if is_grave(one)} | self.side(True).failures
            ever_plain |= self.side(False).failures
        self.added = always - ever_plain
        self.flaky = suspects - self.added
        self.expected = {one for one in self.added if expected(one)}
        self.added -= self.expected

    def line(self):
        verdict = "ADDS %d" % len(self.added) if self.added else "same" if self.plain else "passes"
        return "%-32s %5d tests  %6.1f s  %s" % (self.module, self.neap.ran, self.neap.seconds, verdict)


def modules_of(python):
    """Names of all modules of the suite; none if the interpreter comes without it."""
    listed = subprocess.run([python, "-m", "test", "--list-tests"], capture_output=True, text=True, env=environment())
    return [line.strip() for line in listed.stdout.splitlines() if re.fullmatch(r"\s*[\w.]+", line)]


def chosen(python, names, quick):
    """{module: patterns} to run, in the suite's order."""
    there = modules_of(python)
    if names:
        return {name: () for name in names}
    if not quick:
        return {name: () for name in there}
    return {name: QUICK[module] for name in there if (module := re.sub(r"^test\.", "", name)) in QUICK}


def print_names(title, names):
    if names:
        print("\n%s (%d):" % (title, len(names)))
        for name in sorted(names):
            print("    " + name)


def summarise(python, comparisons):
    """Prints what differs, by name; returns whether Neap added a failure."""
    both = [one for one in comparisons if one.plain]
    added = set().union(*(one.added for one in comparisons))
    print_names("fail with Neap and without", set().union(*(one.neap.failures & one.plain.failures for one in both)))
    print_names("skipped with Neap only", set().union(*(one.neap.skipped - one.plain.skipped for one in both)))
    print_names("fail without Neap only", set().union(*(one.gone for one in both)))
    print_names("flaky: failed under Neap, and not each time or also without", set().union(*(one.flaky for one in both)))
    print_names("as they must be under Neap", {
        "%s: %s" % (name, expected(name)) for one in comparisons for name in one.expected})
    print_names("ADDED by Neap", added)
    print("\n%s: %d modules, %d tests, %d added by Neap" % (
        python, len(comparisons), sum(one.neap.ran for one in comparisons), len(added)))
    return bool(added)


def suite(python, names, quick, jobs, timeout):
    """Runs and compares; returns whether Neap added a failure."""
    modules = chosen(python, names, quick)
    if not modules:
        print("%s comes without the test suite: skipped" % python)
        return False
    comparisons = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(Comparison, python, module, patterns, timeout, quick)
                 for module, patterns in modules.items()]
        for task in concurrent.futures.as_completed(tasks):
            comparisons.append(task.result())
            print(comparisons[-1].line(), flush=True)
    return summarise(python, comparisons)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as test_gc; default all")
    parser.add_argument("--python", action="append", help="an interpreter, several times if wanted; default %s" % DEBIAN)
    parser.add_argument("--quick", action="store_true", help="the modules nearest to memory, in about a minute")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="modules at a time; default one a processor")
    parser.add_argument("--timeout", type=int, default=600, metavar="SECONDS", help="for one module; default 600")
    options = parser.parse_args()
    results = [suite(python, options.modules, options.quick, options.jobs, options.timeout)
               for python in options.python or [DEBIAN]]
    return 1 if any(results) else 0


if __name__ == "__main__":
    sys.exit(main())
