"""A million entries in a dict and in neap.Map, and what stays of either when nine in ten are deleted.

    containers.py [--entries N]

Each container lives in a process of its own. Prints a table in MB (2^20 bytes) above the empty process.
"""
import argparse
import gc
import multiprocessing
import time

import neap

KINDS = {"dict": dict, "neap.Map": lambda: neap.Map("str", "u32")}


def resident_mb():
    with open("/proc/self/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Rss:")) / 1024


def measure(kind, count, answers):
    gc.collect()
    fresh = resident_mb()
    table = KINDS[kind]()
    for number in range(count):
        table["visitor-%d" % number] = number
    full = resident_mb() - fresh
    for number in range(count):
        if number % 10:
            del table["visitor-%d" % number]
    gc.collect()
    time.sleep(1)
    answers.put((full, resident_mb() - fresh, len(table)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000, metavar="N")
    count = parser.parse_args().entries
    print("%-10s %12s %24s" % ("", "full, MB", "nine in ten deleted, MB"))
    context = multiprocessing.get_context("spawn")
    for kind in KINDS:
        answers = context.Queue()
        process = context.Process(target=measure, args=(kind, count, answers))
        process.start()
        full, left, kept = answers.get()
        process.join()
        if kept != (count + 9) // 10:
            raise SystemExit("containers: %s holds %d entries" % (kind, kept))
        print("%-10s %12.1f %24.1f" % (kind, full, left))


if __name__ == "__main__":
    main()
