"""Holds ten million objects in about a gigabyte and waits for lines.

    census   counts them all from inside, as guppy does: gc and sys.getsizeof, everything reachable
             from what the collector tracks, each object once; prints JSON with seconds, and how much
             the process grew while it did
    quit
"""
import gc
import json
import os
import sys
import time


class Record:
    def __init__(self, number):
        self.number = number
        self.name = "record %d" % number


def populate(scale):
    gc.disable()
    held = {
        "texts": ["a text of some length, number %d: %s" % (number, "and so on " * 14) for number in range(int(2000000 * scale))],
        "ints": [number + (1 << 33) for number in range(int(2000000 * scale))],
        "floats": [number * 0.5 for number in range(int(1400000 * scale))],
        "pairs": [(number + (1 << 33), str(number)) for number in range(int(700000 * scale))],
        "lists": [[number] * 6 for number in range(int(600000 * scale))],
        "dicts": [{"id": number, "tag": "tag"} for number in range(int(300000 * scale))],
        "records": [Record(number + 1000000) for number in range(int(300000 * scale))],
    }
    gc.enable()
    gc.freeze()  # so that no collection comes between; it changes no object
    gc.unfreeze()
    return held


def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def census():
    """Number and bytes per type, of all objects there are to be found."""
    seen, counts, sizes = set(), {}, {}
    seen.update(map(id, (seen, counts, sizes)))
    todo = gc.get_objects()
    while todo:
        item = todo.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        kind = type(item)
        counts[kind] = counts.get(kind, 0) + 1
        sizes[kind] = sizes.get(kind, 0) + sys.getsizeof(item)
        todo.extend(gc.get_referents(item))
    return sum(counts.values()), sum(sizes.values())


def main():
    held = populate(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    print(json.dumps({"pid": os.getpid(), "rss": status("VmRSS")}), flush=True)
    for line in sys.stdin:
        if line.strip() != "census":
            break
        before, start = status("VmRSS"), time.perf_counter()
        objects, size = census()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "objects": objects, "bytes": size,
                          "grown": status("VmHWM") - before}), flush=True)
    return held


main()
