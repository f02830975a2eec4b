"""Adds up what the runners of one test run left behind.

usage: tally.py FOLDER

FOLDER holds one file a runner: NAME.xml (JUnit, from pytest or meson),
or a line in NAME.passed, NAME.failed or NAME.skipped for a runner that is one
test or did not run at all.
Prints what failed and what was skipped by name, a line a runner, and last, alone
on its line, `N passed, N failed, N skipped`. Exits with 1 if anything failed or
a runner ran nothing.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

# What cmocka prints for each test of a program that meson ran as one.
CMOCKA_LINE = re.compile(r"^\[\s*(OK|FAILED|SKIPPED)\s*\] (\w+)$", re.MULTILINE)
OUTCOMES = {"OK": "passed", "FAILED": "failed", "SKIPPED": "skipped"}


class Result(NamedTuple):
    outcome: str  # passed, failed, skipped
    name: str
    reason: str = ""


def outcome_of(case):
    """A test case's own word: (outcome, reason)."""
    for child in case:
        if child.tag in ("failure", "error"):
            return "failed", child.get("message", "").split("\n")[0]
        if child.tag == "skipped":
            return "skipped", child.get("message", "").split("\n")[0]
    return "passed", ""


def results_of_case(case, suite):
    """The results in one JUnit test case: itself, or the cmocka tests within it."""
    outcome, reason = outcome_of(case)
    owner = case.get("classname") or suite.get("name") or ""
    name = f"{owner}.{case.get('name')}".removeprefix("neap.")
    inner = CMOCKA_LINE.findall(case.findtext("system-out") or "")
    if not inner:
        return [Result(outcome, name, reason)]
    results = [Result(OUTCOMES[word], f"{name}.{test}") for word, test in inner]
    if outcome == "failed" and not any(result.outcome == "failed" for result in results):
        results.append(Result("failed", name, "the program ended badly"))
    return results


def results_of_file(path):
    """All results that one runner left."""
    if path.suffix != ".xml":
        return [Result(path.suffix[1:], "", path.read_text().strip())]
    root = ElementTree.parse(path).getroot()
    results = [
        result
        for suite in root.iter("testsuite")
        for case in suite.findall("testcase")
        for result in results_of_case(case, suite)
    ]
    return results or [Result("failed", "", "no test was run")]


def print_failed(runner, results):
    for result in results:
        if result.outcome == "failed":
            print(": ".join(filter(None, ("failed", runner, result.name, result.reason[:200]))))


def print_skipped(runner, results):
    """What has one reason in common stands on one line."""
    groups = {}
    for result in results:
        if result.outcome == "skipped":
            groups.setdefault(result.reason or result.name, []).append(result.name)
    for reason, names in groups.items():
        if len(names) > 1:
            modules = sorted({name.split("[")[0].rpartition(".")[0].rpartition(".")[2] for name in names})
            print(f"skipped: {runner}: {reason}: {len(names)} tests of {', '.join(modules)}")
        else:
            print(": ".join(filter(None, ("skipped", runner, names[0] if names[0] != reason else "", reason))))


def main(folder):
    runners = {path.stem: results_of_file(path) for path in sorted(Path(folder).iterdir())}
    everything = [result for results in runners.values() for result in results]
    for report in (print_skipped, print_failed):
        for runner, results in runners.items():
            report(runner, results)
    counts = {}
    for name, results in [*runners.items(), ("", everything)]:
        counts = {word: sum(r.outcome == word for r in results) for word in OUTCOMES.values()}
        line = ", ".join(f"{number} {word}" for word, number in counts.items())
        print(f"{name}: {line}" if name else line)
    return 1 if counts["failed"] or not everything else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.split("\n\n")[1])
    sys.exit(main(sys.argv[1]))
