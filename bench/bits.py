#!/usr/bin/python3
"""neap.Bits beside bitarray (python3-bitarray), in one process, turn by turn.

`bits.py [--rounds N] [--json]` prints a row for each thing done: nanoseconds (or GB/s) for
both, medians over the rounds, and what is wanted. Random places in 125 MB are the memory's
speed; in 125 KB they are the code's.
"""
import argparse
import array
import json
import pickle
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "build" / "python"))

from bitarray import bitarray  # noqa: E402
from bitarray.util import ba2int, count_and, int2ba  # noqa: E402

from neap import Bits  # noqa: E402

SMALL, LARGE = 10 ** 6, 10 ** 9
PLACES = 200_000


def ns_each(function, *arguments):
    start = time.thread_time_ns()
    times = function(*arguments)
    return (time.thread_time_ns() - start) / times


def empty(places):
    for _ in places:
        pass
    return len(places)


def get(bits, places):
    for place in places:
        bits[place]
    return len(places)


def put(bits, places):
    for place in places:
        bits[place] = 1
    return len(places)


def field_get(bits, places):
    for place in places:
        bits[place:place + 20]
    return len(places)


def field_get_bitarray(bits, places):
    for place in places:
        ba2int(bits[place:place + 20])
    return len(places)


def field_put(bits, places):
    for place in places:
        bits[place:place + 20] = 0xABCDE
    return len(places)


def field_put_bitarray(bits, places):
    for place in places:
        bits[place:place + 20] = int2ba(0xABCDE, 20, endian="little")
    return len(places)


def grow(kind, places):
    bits = kind()
    append = bits.append
    for _ in places:
        append(1)
    return len(places)


def iterate(bits, places):
    for _ in bits:
        pass
    return len(bits)


def iterate_ones(bits):
    return sum(1 for _ in bits.ones())


def iterate_ones_bitarray(bits):
    return sum(1 for _ in bits.itersearch(bitarray("1")))


def times(function, count=1):
    """Nanoseconds a call of a function that is long enough by itself."""
    start = time.thread_time_ns()
    for _ in range(count):
        function()
    return (time.thread_time_ns() - start) / count


def both_of(count, chance):
    data = chance.randbytes(count // 8)
    ours, theirs = Bits(data), bitarray(endian="little")
    theirs.frombytes(data)
    return ours, theirs


def cases(count, chance):
    """(name, wanted ns or None, ours, theirs): calls that return nanoseconds."""
    ours, theirs = both_of(count, chance)
    places = array.array("q", (chance.randrange(count - 20) for _ in range(PLACES)))
    yield "get", 50, lambda: ns_each(get, ours, places), lambda: ns_each(get, theirs, places)
    yield "set", 35, lambda: ns_each(put, ours, places), lambda: ns_each(put, theirs, places)
    yield ("20 bits to int", 150, lambda: ns_each(field_get, ours, places),
           lambda: ns_each(field_get_bitarray, theirs, places))
    yield ("20 bits from int", 150, lambda: ns_each(field_put, ours, places),
           lambda: ns_each(field_put_bitarray, theirs, places))


def small_cases(chance):
    ours, theirs = both_of(SMALL, chance)
    places = range(PLACES)
    yield "append", None, lambda: ns_each(grow, Bits, places), lambda: ns_each(grow, bitarray, places)
    yield "iterate", None, lambda: ns_each(iterate, ours, places), lambda: ns_each(iterate, theirs, places)
    yield ("iterate set bits", None, lambda: ns_each(iterate_ones, ours), lambda: ns_each(iterate_ones_bitarray, theirs))


def bulk_cases(count, chance):
    """The same with GB/s of one array's bytes."""
    (a, c), (b, d) = both_of(count, chance), both_of(count, chance)
    zero, none = Bits(count), bitarray(count, endian="little")
    none.setall(0)
    nought, nil = zero.copy(), none.copy()
    again = max(4, 10 ** 8 // count)
    for name, ours, theirs in (
            ("count", a.count, c.count),
            ("count a range", lambda: a.count(1, 3, count - 5), lambda: c.count(1, 3, count - 5)),
            ("a &= b", lambda: a.__iand__(b), lambda: c.__iand__(d)),
            ("a |= b", lambda: a.__ior__(b), lambda: c.__ior__(d)),
            ("a ^= b", lambda: a.__ixor__(b), lambda: c.__ixor__(d)),
            ("a & b", lambda: a & b, lambda: c & d),
            ("~a", lambda: ~a, lambda: ~c),
            ("count of a & b", lambda: a.count_and(b), lambda: count_and(c, d)),
            ("a <<= 3", lambda: a.__ilshift__(3), lambda: c.__irshift__(3)),
            ("a >>= 3", lambda: a.__irshift__(3), lambda: c.__ilshift__(3)),
            ("a == b", lambda: zero == nought, lambda: none == nil),
            ("copy", a.copy, c.copy),
            ("find in zeros", lambda: zero.find(1), lambda: none.find(1)),
            ("reverse", a.reverse, c.reverse),
            ("pickle", lambda: pickle.dumps(a, 5), lambda: pickle.dumps(c, 5))):
        yield name, None, lambda f=ours: times(f, again), lambda f=theirs: times(f, again)


def measure(rows, rounds):
    for name, wanted, ours, theirs in rows:
        ours(), theirs()
        figures = [(ours(), theirs()) if turn % 2 else (theirs(), ours())[::-1] for turn in range(rounds)]
        yield name, wanted, *(statistics.median(column) for column in zip(*figures))


def bytes_each():
    """Bytes beyond n / 8, the worst of many lengths."""
    counts = [*range(0, 600), 10 ** 4, 10 ** 6, 10 ** 8 + 1]
    return (max(sys.getsizeof(Bits(n)) - n / 8 for n in counts),
            max(sys.getsizeof(bitarray(n)) - n / 8 for n in counts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bits", type=int, default=LARGE, help="of the large arrays (10^9)")
    parser.add_argument("--only", default="", help="rows whose group has this in its name")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chance = random.Random(1)
    groups = [("%d bits" % SMALL, lambda: cases(SMALL, chance), "ns"),
              ("%d bits" % SMALL, lambda: small_cases(chance), "ns"),
              ("%d bits" % options.bits, lambda: cases(options.bits, chance), "ns"),
              ("all of %d bits" % SMALL, lambda: bulk_cases(SMALL, chance), "GB/s"),
              ("all of %d bits" % options.bits, lambda: bulk_cases(options.bits, chance), "GB/s")]
    results = []
    for group, make, unit in groups:
        if options.only not in group + " " + unit:
            continue
        count = SMALL if str(SMALL) + " " in group + " " and group.endswith(f"{SMALL} bits") else options.bits
        for name, wanted, ours, theirs in measure(make(), options.rounds):
            ratio = theirs / ours  # how many times as fast
            if unit == "GB/s":
                ours, theirs = count / 8 / ours, count / 8 / theirs
            results.append({"group": group, "what": name, "unit": unit, "neap": ours, "bitarray": theirs,
                            "times_as_fast": ratio, "wanted_ns": wanted})
            if not options.json:
                limit = f"<= {wanted} ns" if wanted else ">= 1.00 x"
                met = ours <= wanted if wanted else ratio >= 1
                print(f"{group:24} {name:18} {ours:8.1f} {theirs:8.1f} {unit:5} {ratio:6.2f} x  "
                      f"{limit:10} {'met' if met else 'missed'}", flush=True)
    ours, theirs = bytes_each()
    if options.json:
        print(json.dumps({"rows": results, "bytes_beyond_n_8": {"neap": ours, "bitarray": theirs}}, indent=1))
    else:
        print(f"{'bytes beyond n / 8':43} {ours:8.1f} {theirs:8.1f} bytes            <= 64      "
              f"{'met' if ours <= 64 else 'missed'}")


if __name__ == "__main__":
    main()
