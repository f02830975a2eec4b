"""Holds objects of every built-in type and says, asked line by line, what CPython itself knows of them.

    truth       JSON: {type: [objects that the collector tracks, sum of sys.getsizeof]}, and as "frozen"
                how many more it has put aside for ever and does not tell of
    plant N     makes N strings, ints, floats, bytes, complex numbers, and further buffers of known size;
                JSON: {type: [objects made, sum of sys.getsizeof]}
    pid         the process

What "truth" counts is what there is while the program waits for the next line: all that it needs for
counting it has made before, but for the list of the objects itself, which it counts too.
"""
import collections
import functools
import gc
import json
import os
import sys
import weakref


class Plain:
    def __init__(self, number):
        self.name = "plain-%d" % number
        self.number = number + 0.5


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


class Derived(dict):
    pass


class Bare:
    pass


def closure(number):
    return lambda: number


def generator(items):
    for item in items:
        yield item


def populate():
    held = {
        "tuples": [(number, str(number)) for number in range(2000)],
        "wide": [tuple(range(1000, 1000 + number)) for number in range(100)],
        "lists": [[None] * (number % 90) for number in range(2000)],
        "dicts": [{"key-%d" % key: number for key in range(number % 40)} for number in range(500)],
        "numbered": [{key * 1000: [] for key in range(number % 700)} for number in range(60)],
        "sets": [set(range(number)) for number in range(200)],
        "frozen": [frozenset(map(str, range(number % 50))) for number in range(200)],
        "plain": [Plain(number) for number in range(3000)],
        "slotted": [Slotted(number, [number]) for number in range(3000)],
        "derived": [Derived(a=number, b=[]) for number in range(300)],
        "closures": [closure([number]) for number in range(500)],
        "generators": [generator([number]) for number in range(200)],
        "methods": [[].append for _ in range(200)] + [Plain(0).__init__ for _ in range(200)],
        "arrays": [bytearray(number * 10) for number in range(300)],
        "deques": [collections.deque(range(number)) for number in range(200)],
        "partials": [functools.partial(print, number) for number in range(100)],
        "slices": [slice([], [], []) for _ in range(100)],
        "classes": [type("Made%d" % number, (Plain,), {"number": number}) for number in range(30)],
        "big": [10 ** number for number in range(0, 3000, 10)],
        "texts": ["x" * number for number in range(0, 2000, 7)] + ["\u20ac" * number for number in range(0, 900, 7)],
    }
    odd = Plain(1)
    odd.extra, odd.name = {}, None
    del odd.number
    held["odd"] = odd
    held["opened"] = [vars(item) for item in held["plain"][:500]]
    held["grown"] = [Bare() for _ in range(40)]
    for number, item in enumerate(held["grown"]):
        for name in range(number):
            setattr(item, "name_%d" % name, [number])
    held["weak"] = [weakref.ref(item) for item in held["plain"][::2]]
    for number in range(200):
        held["lists"][number].extend(range(number))
    return held


def name_of(kind):
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else "%s.%s" % (module, kind.__qualname__)


def tally(sums):
    """Sums per type of all that is tracked; `sums` has a place for each type already, and so nothing
    of it comes or goes between this and the next line read."""
    objects = gc.get_objects()
    for place in sums.values():
        place[0] = place[1] = 0
    for item in objects:
        place = sums[type(item)]
        place[0] += 1
        place[1] += sys.getsizeof(item)
    item = place = None
    for item in (objects,):
        sums[list][0] += 1
        sums[list][1] += sys.getsizeof(item)
    return objects


def answer_truth(sums):
    gc.collect()
    for item in gc.get_objects():
        sums.setdefault(type(item), [0, 0])
    item = None
    objects = tally(sums)
    told = {name_of(kind): place for kind, place in sums.items() if place[0]}
    told["frozen"] = [gc.get_freeze_count(), 0]
    text = (json.dumps(told) + "\n").encode()
    told = None
    os.write(1, text)
    return objects


def plant(count, held):
    sizes = {}
    made = {
        "str": ["planted %d" % number for number in range(count)],
        "int": [number + (1 << 40) for number in range(count)],
        "float": [number + 0.25 for number in range(count)],
        "bytes": [b"%d" % (number + 1000000) for number in range(count)],
        "complex": [complex(number, 1) for number in range(count)],
        "bytearray": [bytearray(b"x" * (number % 600)) for number in range(count // 10)],
        "list": [[number] * (number % 100) for number in range(count // 10)],
        "set": [{number, str(number)} for number in range(count // 10)],
        "dict": [{key: 1 for key in range(number % 60)} for number in range(count // 10)],
    }
    for name, items in made.items():
        sizes[name] = [len(items), sum(map(sys.getsizeof, items))]
    held.append(list(made.values()))
    return sizes


def read_line():
    """Without the buffers of sys.stdin, which come and go."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        line += byte
    return line.decode().strip()


def main():
    sums, planted, kept = {}, [], [None]
    gc.collect()
    gc.disable()
    while True:
        line = read_line()
        if line is None:
            return
        verb, _, amount = line.partition(" ")
        if verb == "truth":
            kept[0] = None
            kept[0] = answer_truth(sums)
        elif verb == "plant":
            line = (json.dumps(plant(int(amount), planted)) + "\n").encode()
            os.write(1, line)
        else:
            os.write(1, b"%d\n" % os.getpid())


HELD = populate()
main()
