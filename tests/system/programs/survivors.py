"""Makes two million objects, keeps a thousand of them in five holders, and waits.

What is kept is spread evenly over what was made, so that nearly every arena (or slab) that the burst
took has a survivor in it. The holders are of five kinds: a global dict of this module, an attribute of
an instance, an attribute of a class, a closure's variable, and a local variable of a running function.

Prints a line of JSON when it is there: {"kept": how many a holder, "addresses": {holder: [of the survivors]}}.
"""
import gc
import json
import os

MADE = 2000000
KEPT_EACH = 200


class Session:
    def __init__(self):
        self.recent = []


class Registry:
    known = {}


def remember():
    seen = set()

    def add(item=None):
        if item is not None:
            seen.add(item)
        return seen

    return add


by_name = {}
session = Session()
add_seen = remember()


def serve():
    made = [float(number) if number % 2 else "item %d" % number for number in range(MADE)]
    step = MADE // (5 * KEPT_EACH)
    pending = []
    for turn, item in enumerate([made[turn * step + turn % 2] for turn in range(5 * KEPT_EACH)]):
        which = turn % 5
        if which == 0:
            by_name[turn] = item
        elif which == 1:
            session.recent.append(item)
        elif which == 2:
            Registry.known[turn] = item
        elif which == 3:
            add_seen(item)
        else:
            pending.append(item)
    del item, made
    gc.collect()
    holders = {
        "__main__.by_name": list(by_name.values()),
        "__main__.session.recent": session.recent,
        "__main__.Registry.known": list(Registry.known.values()),
        "__main__.add_seen": list(add_seen()),
        "serve": pending,
    }
    told = {"kept": KEPT_EACH, "addresses": {name: [id(item) for item in kept] for name, kept in holders.items()}}
    holders = None
    os.write(1, (json.dumps(told) + "\n").encode())
    told = None
    os.read(0, 1)
    return pending


serve()
