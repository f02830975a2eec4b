"""What every speed program shares: a heap that is warm, rounds of work, a check, one line out.

A speed program is a file in speed/ that calls main() with

    work(state, number)           one round: some tens of milliseconds of the real thing
    check(state, number, result)  whether the round's result is right; cheap beside the round
    prepare()                     the program's long-lived data, made once

The time is taken from outside, over the whole process. The line printed tells the peak RSS,
because a parent's rusage would count its own pages into its children's.
"""
import json
import os
import random
import sys


def some_object(source, number):
    """One object, of a kind and a size that vary with the number."""
    kind = number % 6
    if kind == 0:
        return "entry %d of %s" % (number, "x" * source.randrange(60))
    if kind == 1:
        return {"id": number, "weight": source.random()}
    if kind == 2:
        return [number + 1000000, str(number)] * (1 + source.randrange(4))
    if kind == 3:
        return number * 1.5, "%08x" % number
    if kind == 4:
        return b"\0" * source.randrange(300)
    return number * 1000003


def background(objects=60000, batch=5000):
    """Objects of mixed kinds and sizes with holes between them: what the heap of a program
    looks like that has run for a while. About 7 MB."""
    source = random.Random(7)
    things = []
    for start in range(0, objects, batch):
        fresh = [some_object(source, number) for number in range(start, start + batch)]
        things.extend(thing for thing in fresh if source.random() < 0.6)
    return things


def peak_kb():
    """The most resident memory this process has had, in KiB."""
    with open("/proc/self/status", "rb") as status:
        for line in status:
            if line.startswith(b"VmHWM:"):
                return int(line.split()[1])
    raise OSError("no VmHWM in /proc/self/status")


def scale_of(arguments):
    """The number after --scale, 1.0 without it."""
    if not arguments:
        return 1.0
    if len(arguments) != 2 or arguments[0] != "--scale":
        sys.exit("usage: %s [--scale X]" % os.path.basename(sys.argv[0]))
    return float(arguments[1])


def main(work, check, rounds, prepare=lambda: None):
    """Runs `rounds` rounds, times the --scale given; ends the program with 1 on a wrong result."""
    count = max(1, round(rounds * scale_of(sys.argv[1:])))
    program = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    held = background()
    state = prepare()
    for number in range(count):
        if not check(state, number, work(state, number)):
            sys.exit("%s: round %d: the result is wrong" % (program, number))
    print(json.dumps({"program": program, "rounds": count, "peak_kb": peak_kb()}))
    del held
