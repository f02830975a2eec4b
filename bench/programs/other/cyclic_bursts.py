"""The same burst allocated and freed again and again with pauses between: a server that is
asked something large every now and then. An allocator that gives back must not pay for it at
each cycle.

    cyclic_bursts.py [--kind strings|records|buffers] [--pause-ms N] [--cycles N] [--scale X]

The first cycle is not counted. Printed are the cycles counted and the seconds they took, pauses
apart; what the whole process took is for the parent to see.
"""
import json
import os
import random
import sys
import time
import zlib

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import probe  # noqa: E402  (it lies one folder up)


def strings(scale):
    """Short strings in one list: 20 MB."""
    return [str(number * 1.7) + "-suffix" for number in range(int(220000 * scale))]


def records(scale):
    """Dicts, lists and floats that refer to one another: 30 MB."""
    return [{"id": number, "at": number * 0.5, "tags": [number, str(number)], "next": None}
            for number in range(int(70000 * scale))]


def buffers(scale):
    """Byte strings of 100 to 20,000 bytes, each with its checksum: 40 MB."""
    source = random.Random(5)
    bodies = (bytes(100) + b"x" * int(20000 * source.random() ** 3)
              for _ in range(int(8000 * scale)))
    return [(zlib.crc32(body), body) for body in bodies]


KINDS = {"strings": strings, "records": records, "buffers": buffers}


def cycle(burst, scale):
    """Builds and drops one burst; what it took in seconds."""
    began = time.perf_counter()
    size = len(burst(scale))  # the list dies here
    assert size > 0
    return time.perf_counter() - began


def main():
    chosen = probe.options(sys.argv[1:], {"kind": "strings", "pause-ms": 10, "cycles": 20,
                                          "scale": 1.0})
    burst, busy_s = KINDS[chosen["kind"]], 0.0
    cycle(burst, chosen["scale"])
    for _ in range(chosen["cycles"]):
        time.sleep(chosen["pause-ms"] / 1000.0)
        busy_s += cycle(burst, chosen["scale"])
    print(json.dumps({"cycles": chosen["cycles"], "busy_s": busy_s}))


if __name__ == "__main__":
    main()
