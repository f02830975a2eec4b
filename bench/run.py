#!/usr/bin/env python3
"""Measures Neap beside CPython's own allocator and others: the rows of docs/figures.md.

Everything is measured in one invocation, side by side: each program under each peer in turn,
round by round, and the figures are medians. See bench/README.md for what the rows mean.
"""
import argparse
import contextlib
import json
import os
import signal
import sys
import time

from harness import figures, huge_pages, measure, peers, rows

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
QUICK_PEERS = ("cpython", "neap", "mimalloc")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="groups: %s. A group's single programs: --case. Further peers: %s."
        % (", ".join(measure.GROUPS), ", ".join(peers.ON_REQUEST)))
    parser.add_argument("--python", action="append", default=[], metavar="WHICH",
                        help="a path or a version (3.13, 3.8.18); may be repeated; default: "
                        "every 3.11 and 3.13 found; memory rows on the first")
    parser.add_argument("--only", default="", metavar="GROUP,...", help="measure these groups")
    parser.add_argument("--case", default="", metavar="NAME,...", help="and of these, these")
    parser.add_argument("--with", dest="peers", default="", metavar="PEER,...",
                        help="besides cpython and neap; default: %s" % ",".join(peers.NAMES[2:]))
    parser.add_argument("-n", dest="rounds", type=int, metavar="N", help="runs of each (3)")
    parser.add_argument("--scale", type=float, metavar="X", help="work of the speed programs (1)")
    parser.add_argument("--huge", metavar="MODE,...", help="transparent huge pages: always, madvise, "
                        "never; times and memory are measured in each (madvise,always; root may set it)")
    parser.add_argument("--quick", action="store_true",
                        help="roughly: one Python, mimalloc beside, memory once, less work")
    parser.add_argument("--best", action="store_true", help="figures are the best of the runs, not "
                        "their medians: for a machine that others use too; never for the record")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"), metavar="FOLDER",
                        help="where neap was built (build)")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured")
    parser.add_argument("--read", metavar="FILE", help="measure nothing, take this JSON file")
    parser.add_argument("--write", metavar="FILE", help="write the table as Markdown, or between its marks")
    options = parser.parse_args()
    if options.best and (options.write or options.json):
        parser.error("--best is for looking at, it is not written")
    return options


def misuse(text):
    print("bench: " + text, file=sys.stderr)
    sys.exit(2)


def chosen_pythons(options, left_out):
    """The Pythons to measure; those absent are noted."""
    wishes = options.python or list(peers.installed_pythons())
    found = []
    for wish in wishes:
        try:
            found.append(peers.find_python(wish))
        except peers.Absent as absent:
            left_out.append({"what": "Python " + wish, "why": str(absent)})
    if not found:
        sys.exit("bench: no Python to measure: name one with --python")
    return found[:1] if options.quick and not options.python else found


def chosen_peers(options, pythons, left_out):
    """The peers that are here, each with the set of Pythons it refuses."""
    wanted = options.peers.split(",") if options.peers else (
        QUICK_PEERS if options.quick else peers.NAMES)
    names = list(dict.fromkeys(["cpython", "neap", *wanted]))
    found = []
    for name in names:
        try:
            peer = peers.find_peer(name, options.build)
        except peers.Absent as absent:
            left_out.append({"what": name, "why": str(absent)})
            continue
        except ValueError:
            misuse("no peer named %s: there are %s" % (
                name, ", ".join(peers.NAMES + peers.ON_REQUEST)))
        for python in pythons:
            why = peers.refuses(peer, python)
            if why:
                peer.refused[python.label] = why
                left_out.append({"what": "%s, %s" % (name, python.label), "why": why})
        found.append(peer)
    return found


def chosen_groups(options):
    names = options.only.split(",") if options.only else list(measure.GROUPS)
    for name in names:
        if name not in measure.GROUPS:
            misuse("no group named %s: there are %s" % (name, ", ".join(measure.GROUPS)))
    return [name for name in measure.GROUPS if name in names]


def chosen_modes(options, left_out):
    """The modes of huge pages to measure in; those that cannot be set are noted. [None] where the
    kernel has none."""
    wanted = options.huge.split(",") if options.huge else ["madvise", "always"]
    for mode in wanted:
        if mode not in huge_pages.MODES:
            misuse("huge pages are one of %s, not %s" % (", ".join(huge_pages.MODES), mode))
    modes = [mode for mode in wanted if huge_pages.settable(mode)]
    left_out += [{"what": "huge pages " + mode, "why": "this user may not set that here"}
                 for mode in wanted if mode not in modes]
    return modes or [huge_pages.current()]


def measure_groups(session, groups, pythons, options, first):
    """Measures each group in the present setting; in a later one, those that depend on it."""
    only = set(filter(None, options.case.split(",")))
    for group in groups:
        everywhere = group in measure.EVERY_PYTHON or options.python
        for python in pythons if everywhere else pythons[:1]:
            if first or group in measure.EVERY_SETTING:
                measure.GROUPS[group](session, python, only)


def foreign_s():
    """Processor seconds spent so far by all but this program and its children."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    all_s = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    return all_s - sum(os.times()[:4])


def measured(options):
    """Measures what the options ask for; all of it as plain data."""
    left_out = []
    groups = chosen_groups(options)
    pythons = chosen_pythons(options, left_out)
    session = measure.Session(chosen_peers(options, pythons, left_out),
                              options.rounds or (2 if options.quick else 3),
                              options.scale or (0.4 if options.quick else 1.0), options.quick)
    modes = chosen_modes(options, left_out)
    for item in left_out:
        print("bench: left out: %(what)s: %(why)s" % item, file=sys.stderr)
    began, others_s = time.monotonic(), foreign_s()
    for mode in modes:
        with huge_pages.mode(mode) if mode else contextlib.nullcontext():
            session.setting = "huge pages " + mode if mode else ""
            measure_groups(session, groups, pythons, options, mode == modes[0])
    session.say("")
    took_s = time.monotonic() - began
    others = max(0.0, foreign_s() - others_s) / (took_s * (os.cpu_count() or 1))
    return {"schema": "neap-bench 1", "machine": figures.machine(), "rounds": session.rounds,
            "quick": options.quick, "scale": session.scale,
            "took_s": took_s, "foreign_share": others, "left_out": left_out,
            "pythons": [python.label for python in pythons],
            "peers": {peer.name: peer.about for peer in session.peers},
            "results": session.results, "failures": session.failures}


def main():
    options = arguments()
    if options.read:
        with open(options.read, encoding="utf-8") as file:
            report = json.load(file)
    else:
        report = measured(options)
    if options.best:
        report["results"] = rows.best(report["results"])
    table = rows.table(report["results"])
    report["rows"] = [row.as_data() for row in table]
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=1)
    if options.write:
        figures.write(options.write, table, report["peers"], report)
    print(figures.details(report["results"], report["peers"]).lstrip("\n"))
    print(figures.summary(table, report["peers"]))
    print("\n%s; %s of %d runs; %.0f s%s" % (
        report["machine"], "best" if options.best else "medians", report["rounds"],
        report["took_s"], figures.disturbance(report)))
    return 1 if report["failures"] else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the mode of huge pages is put back
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
