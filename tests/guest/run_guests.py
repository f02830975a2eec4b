"""Boots guests as the table in scenarios.py says and gathers what their tests found.

usage: run_guests.py RESULT.xml [BOOT | SUITE | STEP]...

Without names, all boots but `quick`. Names narrow: of boots, of suites, of steps (in quotes if of several
words). Writes one JUnit file in which each test is called KERNEL.BOOT.STEP.TEST, and prints a line a step.
Where no guest can be had, that is a skipped test with the reason. Exits with 1 if anything failed.
"""
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from scenarios import BOOTS, KERNELS

HERE = Path(__file__).resolve().parent
TREE = HERE.parent.parent
FILES = ("build/neap", "build/libneap*.so*", "build/python", "build/tests/unit/test_*",
         "build/tests/guest/confine", "docs/settings.md", "docs/neap.1", "meson.build", "tests/golden",
         "tests/unit/**/test_*.c", "tests/guest", "tests/system")
GUEST_LIBC = (2, 36)
LIMIT_SECONDS = 5400  # of one boot


def chosen(names):
    """(boot, suite, steps) of each guest to start."""
    steps = {step for boot in BOOTS.values() for step in boot.steps}
    unknown = [name for name in names if name not in BOOTS and name not in KERNELS and name not in steps]
    if unknown:
        sys.exit("run_guests: no boot, suite or step %s" % ", ".join(unknown))
    boots = [name for name in names if name in BOOTS] or [name for name in BOOTS if name != "quick"]
    suites = [name for name in names if name in KERNELS] or list(KERNELS)
    only = [name for name in names if name in steps]
    for suite in suites:
        for name in boots:
            wanted = [step for step in BOOTS[name].steps if not only or step in only]
            if suite in BOOTS[name].suites and wanted:
                yield name, suite, wanted


def case(label, step, name, kind=None, message="", text=""):
    """A JUnit case of our own: for a step that has none."""
    made = ElementTree.Element("testcase", classname="%s.%s" % (label, step), name=name)
    if kind:
        ElementTree.SubElement(made, kind, message=message).text = text
    return made


def other_python(one):
    """A guest has one Python, and the others are tested elsewhere: no skip worth naming for each kernel."""
    skipped = one.find("skipped")
    return skipped is not None and "no CPython" in skipped.get("message", "")


def cases_of(label, report):
    """The JUnit cases of one step's report; the kernel's lines stand in those that failed."""
    step = report["step"].replace(" ", "-")
    if report.get("skipped"):
        return [case(label, step, "all", "skipped", report["skipped"])]
    if report.get("failed"):
        return [case(label, step, "all", "failure", report["failed"].strip().split("\n")[-1], report["failed"])]
    found = [one for one in ElementTree.fromstring(report["xml"]).iter("testcase") if not other_python(one)]
    for one in found:
        inner = one.get("classname", "").replace("tests.guest.", "").replace("tests.system.", "")
        one.set("classname", "%s.%s.%s" % (label, step, inner))
        for failure in one.findall("failure"):
            failure.text = "\n".join([failure.text or "", *report.get("kernel", [])])
    return found


def outcome(one):
    if one.find("failure") is not None or one.find("error") is not None:
        return "failed"
    return "skipped" if one.find("skipped") is not None else "passed"


def show(label, report, cases):
    counts = {word: sum(outcome(one) == word for one in cases) for word in ("passed", "failed", "skipped")}
    print("%s %s: %s" % (label, report["step"], ", ".join("%d %s" % (n, word) for word, n in counts.items())),
          flush=True)
    for one in cases:
        if outcome(one) == "failed":
            wrong = one.find("failure") if one.find("failure") is not None else one.find("error")
            print("  failed: %s.%s: %s" % (one.get("classname").rpartition(".")[2], one.get("name"),
                                           (wrong.get("message") or "").replace("\n", " ")[:300]))
    for line in report.get("kernel", []) if counts["failed"] else []:
        print("  kernel: " + line[:200], flush=True)


class Guest:
    """One boot, and the reports that have come from it so far."""

    def __init__(self, boot, suite, steps, folder):
        self.name, self.suite, self.steps = boot, suite, list(steps)
        self.results, self.console = Path(folder, "results"), Path(folder, "console")
        files = sorted(str(path.relative_to(TREE)) for pattern in FILES for path in TREE.glob(pattern)
                       if path.suffix != ".p")  # a folder of objects beside each program
        self.errors = open(Path(folder, "errors"), "w+")
        self.results.touch()
        self.process = subprocess.Popen(
            [HERE / "boot", "--limit", str(LIMIT_SECONDS), "--results", self.results, "--console", self.console,
             *BOOTS[boot].options, suite, HERE / "inside.sh", boot, *steps, "--", *files],
            cwd=TREE, stdout=self.errors, stderr=self.errors, start_new_session=True)
        self.label = "%s.%s" % (KERNELS[suite], boot)
        self.read = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """A run that is broken off leaves no machine behind."""
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.errors.close()

    def reports(self):
        """New whole lines since the last time."""
        with open(self.results) as file:
            file.seek(self.read)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self.read += len(line)
                if line.startswith("{"):
                    yield json.loads(line)

    def run(self):
        """Yields each step's report as it comes; at the end a failed one for what never came."""
        going = True
        while going:
            going = self.process.poll() is None
            for report in self.reports():
                if "kernel" in report and "step" not in report:  # the first one: what was really booted
                    self.label = ".".join([*report["kernel"].split(".")[:2], self.name])
                if "step" in report:
                    self.steps.remove(report["step"])
                    yield report
            time.sleep(0.5)
        self.errors.seek(0)
        self.said = self.errors.read()
        if self.process.returncode and self.process.returncode != 77:
            for step in self.steps:
                yield {"step": step, "failed": "%s%s\nthe guest ended before it, exit %d" % (
                    self.said, self.console.read_text(errors="replace")[-3000:], self.process.returncode)}


def newer_libc():
    """Why programs built here do not run in a guest, or None: its root has the C library of Debian 12."""
    name, version = platform.libc_ver()
    if name != "glibc" or tuple(map(int, version.split("."))) > GUEST_LIBC:
        return "guests have glibc %d.%d, and this machine builds for %s %s" % (*GUEST_LIBC, name, version)
    return None


def main(result, *names):
    suite, failed = ElementTree.Element("testsuite", name="guest"), False
    if newer_libc():
        suite.append(case("all", "guests", "all", "skipped", newer_libc()))
        ElementTree.ElementTree(suite).write(result, encoding="utf-8")
        return 0
    for boot, kernel, steps in chosen(names):
        with tempfile.TemporaryDirectory() as folder, Guest(boot, kernel, steps, folder) as guest:
            print("%s: booting the kernel of %s" % (guest.label, kernel), flush=True)
            for report in guest.run():
                cases = cases_of(guest.label, report)
                show(guest.label, report, cases)
                suite.extend(cases)
                ElementTree.ElementTree(suite).write(result, encoding="utf-8")  # what an interrupted run leaves
                failed = failed or any(outcome(one) == "failed" for one in cases)
            if guest.process.returncode == 77:
                reason = guest.said.strip().split("\n")[-1].partition(": ")[2]
                suite.append(case(guest.label, "boot", "all", "skipped", reason))
                print("%s: skipped: %s" % (guest.label, reason), flush=True)
    ElementTree.ElementTree(suite).write(result, encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__.split("\n\n")[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(*sys.argv[1:]))
