"""Reaches a limit of memory again and again; loses nothing and goes on.

    limit.py set             the limit was set from outside
    limit.py RLIMIT_X MIB    sets resource.RLIMIT_X to what is in use and MIB more
    limit.py RLIMIT_X =MIB   sets it to MIB, as programs that judge others do

Prints the MiB of objects held when the limit was first reached.
"""
import resource
import sys
import threading

import witness
import work

CEILING = 1536 << 20  # more than any limit used here: whoever comes so far has none
USED = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}

MAKERS = [
    ("small strings", lambda n: str(n) * 2),
    ("lists", lambda n: [n] * 50),
    ("dicts", lambda n: {key: n for key in range(20)}),
    ("byte strings of 700", lambda n: bytes(700)),
    ("byte strings of 5000", lambda n: bytes(5000)),
    ("large", lambda n: b"x" * (1 << 20)),
    ("huge", lambda n: b"x" * (6 << 20)),
]


def used_bytes(field):
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise KeyError(field)


def set_limit(name, amount):
    kind = getattr(resource, name)
    bytes = int(amount.lstrip("=")) << 20
    if not amount.startswith("="):
        bytes += used_bytes(USED[name])
    resource.setrlimit(kind, (bytes, resource.getrlimit(kind)[1]))


def fill(size, make):
    """Makes objects until MemoryError; returns how many, and half of them, so that there is room to look at them."""
    parachute = work.burst(2)  # at the brim not even the handling of an error has room
    held = []
    try:
        while len(held) * size < CEILING:
            held.append(make(len(held)))
    except MemoryError:
        parachute.clear()
        full = len(held)
        while len(held) > full // 2:
            held.pop()
        return full, held
    raise SystemExit("limit: no MemoryError at %d MiB" % (CEILING >> 20))


def refusals(times):
    """At the brim: asks `times` times for too much; every answer must be MemoryError, and small things work."""
    _, held = fill(64, lambda n: str(n) * 2)
    refused = 0
    for number in range(times):
        try:
            held.append(b"x" * (CEILING >> number % 3))
        except MemoryError:
            refused += 1
        if number % 100 == 0:
            assert work.churn(number, rounds=1, count=5) == 1
    return refused


def grow_until_refused(thing, step):
    """Repeats `step` until MemoryError; returns how many succeeded (or one less: counting takes memory too)."""
    parachute = work.burst(2)
    count = 0
    try:
        while count < 10 ** 8:
            step(thing, count)
            count += 1
    except MemoryError:
        parachute.clear()
        return count
    raise SystemExit("limit: a container grew without end")


def growth_refused():
    """A list, a dict and a bytearray that cannot grow any more are what they were."""
    numbers = []
    count = grow_until_refused(numbers, lambda thing, n: thing.append(n))
    assert len(numbers) - count in (0, 1) and all(n == m for n, m in zip(numbers, range(count)))
    del numbers
    table = {}
    count = grow_until_refused(table, lambda thing, n: thing.__setitem__(n, -n))
    assert len(table) - count in (0, 1) and all(table[n] == -n for n in range(count))
    del table
    data = bytearray()
    count = grow_until_refused(data, lambda thing, n: thing.extend(b"neap" * 256))
    assert len(data) // 1024 - count in (0, 1) and data.count(b"neap") == len(data) // 4


def main(arguments):
    witness.must_serve()
    ballast = work.mixed(1, 2000)
    digest = work.digest(ballast)
    if arguments[0] != "set":
        set_limit(*arguments)
    thread = threading.Thread(target=work.churn, args=(2, 2, 100))  # a stack needs address space too
    thread.start()
    thread.join()
    first = None
    for name, make in MAKERS:
        size = sys.getsizeof(make(1000000))
        full, held = fill(size, make)
        first = first or full * size
        assert full > 0 and all(held[n] == make(n) for n in range(0, len(held), 1 + len(held) // 20)), name
        del held
        assert work.digest(ballast) == digest, name
    assert refusals(600) == 600
    growth_refused()
    assert work.digest(ballast) == digest
    assert work.churn(3, rounds=3, count=300) == 3  # the program goes on
    print(first >> 20)


main(sys.argv[1:])
