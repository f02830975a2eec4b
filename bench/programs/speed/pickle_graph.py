"""Pickling both ways: the state of a program, instances that refer to one another, is saved
and loaded again and again as a task queue or a checkpoint does."""
import collections
import pickle
import random

import workload


class Part:
    def __init__(self, name, weight, uses):
        self.name = name
        self.weight = weight
        self.uses = uses
        self.meta = {"made": name[::-1], "lot": len(uses)}


def make_assembly(source, size):
    parts = []
    for number in range(size):
        uses = [parts[source.randrange(len(parts))] for _ in range(min(3, len(parts)))]
        parts.append(Part("part-%d" % number, source.random(), uses))
    return {"parts": parts, "by_name": {part.name: part for part in parts},
            "blob": bytes(source.randrange(256) for _ in range(size))}


def prepare():
    source = random.Random(3)
    return {"assemblies": [make_assembly(source, size) for size in (10, 50, 200, 1000, 4000)],
            "recent": collections.deque(maxlen=6)}


def work(state, number):
    loaded = []
    for assembly in state["assemblies"]:
        loaded.append(pickle.loads(pickle.dumps(assembly, protocol=2 + number % 3)))
    state["recent"].extend(loaded[:3])
    return loaded


def check(state, number, loaded):
    return all(new["blob"] == old["blob"] and len(new["parts"]) == len(old["parts"])
               and new["by_name"]["part-7"] is new["parts"][7]
               and new["parts"][9].weight == old["parts"][9].weight
               for new, old in zip(loaded, state["assemblies"]))


if __name__ == "__main__":
    workload.main(work, check, rounds=76, prepare=prepare)
