#!/usr/bin/env python3
"""Measures `neap look` on ten million objects, beside a census from inside and a core file.

    neap look               from outside: the whole, the pause, Neap's own memory (to the target's RSS)
    neap look --no-pause    the same without stopping the target
    neap look --low-memory  the same without a copy
    gcore, then neap look   what one does who may only stop the target once, and has room on disk
    from inside             gc and sys.getsizeof over everything reachable, as guppy does: the time that the
                            program stands still, and the memory that it grows by

Figures are medians of -n runs on one target; the census from inside is run last, since it changes the target.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TARGET = os.path.join(HERE, "programs", "look", "ten_million.py")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="/usr/bin/python3", help="that runs the target")
    parser.add_argument("--build", default=os.path.join(os.path.dirname(HERE), "build"), metavar="FOLDER",
                        help="where neap was built (build)")
    parser.add_argument("-n", dest="rounds", type=int, default=3, metavar="N", help="runs of each (3)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="X", help="1 is ten million objects")
    parser.add_argument("--under-neap", action="store_true", help="run the target on Neap's heap")
    parser.add_argument("--without", default="", metavar="ROW,...", help="leave out: core, inside")
    parser.add_argument("--json", metavar="FILE", help="write all that was measured")
    return parser.parse_args()


def timed(command):
    """Seconds, the most memory in bytes, and the output of a command that ends well."""
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode:
            sys.exit("bench: %s: %s" % (" ".join(command), errors.decode().strip()))
        out.seek(0)
        return seconds, usage.ru_maxrss * 1024, out.read().decode(errors="replace")


class Target:
    def __init__(self, options):
        front = [os.path.join(options.build, "neap"), "run", "--"] if options.under_neap else []
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "NEAP_"))}
        self.process = subprocess.Popen([*front, options.python, TARGET, str(options.scale)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, env=environment)
        self.facts = json.loads(self.process.stdout.readline())

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def look(options, target, words):
    """One run of neap look: what it says, and what it took."""
    seconds, memory, out = timed([os.path.join(options.build, "neap"), "look", "--json", *words])
    document = json.loads(out)
    return {"seconds": seconds, "pause_s": document["pause_ns"] / 1e9, "memory": memory,
            "objects": document["total"]["count"],
            "bytes": document["total"]["object_bytes"] + document["total"]["buffer_bytes"]}


def look_at_core(options, target):
    """gcore stops the target while it writes; its time is the pause."""
    if not shutil.which("gcore"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "core")
        dumping, memory, _ = timed(["gcore", "-o", path, str(target.facts["pid"])])
        run = look(options, target, ["--core", "%s.%d" % (path, target.facts["pid"])])
    run.update(pause_s=dumping, seconds=run["seconds"] + dumping, memory=max(memory, run["memory"]))
    return run


def median(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def measure(options, target):
    pid, left_out = str(target.facts["pid"]), options.without.split(",")
    results = {}
    for name, words in (("neap look", []), ("neap look --no-pause", ["--no-pause"]),
                        ("neap look --low-memory", ["--low-memory"])):
        results[name] = median([look(options, target, [*words, pid]) for _ in range(options.rounds)])
    core = None if "core" in left_out else look_at_core(options, target)
    if core:
        results["gcore, then neap look"] = core
    if "inside" not in left_out:
        inside = target.ask("census")
        results["from inside (gc, getsizeof)"] = {
            "seconds": inside["seconds"], "pause_s": inside["seconds"], "memory": inside["grown"],
            "objects": inside["objects"], "bytes": inside["bytes"]}
    return results


def report(target, results):
    rss = target.facts["rss"]
    print("target: %.2f GB of memory\n" % (rss / 1e9))
    print("%-28s %8s %9s %10s %6s %12s" % ("", "whole", "pause", "memory", "x RSS", "objects"))
    for name, run in results.items():
        print("%-28s %6.2f s %6.0f ms %7.0f MB %6.2f %12s" % (
            name, run["seconds"], 1000 * run["pause_s"], run["memory"] / 1e6, run["memory"] / rss,
            re.sub(r"(?<=\d)(?=(\d{3})+$)", ",", str(int(run["objects"])))))


def main():
    options = arguments()
    target = Target(options)
    try:
        results = measure(options, target)
    finally:
        target.end()
    report(target, results)
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"rss": target.facts["rss"], "results": results}, out, indent=1)


main()
