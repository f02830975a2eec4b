"""Dictionaries of all sizes that grow, shrink, are copied and merged: counters, indexes and
per-request state in one long-lived registry."""
import random

import workload


def prepare():
    source = random.Random(8)
    registry = {"user:%d" % number: {"visits": 0, "seen": {}} for number in range(4000)}
    return {"source": source, "registry": registry, "visits": 0}


def visit(registry, name, page):
    entry = registry[name]
    entry["visits"] += 1
    seen = entry["seen"]
    seen[page] = seen.get(page, 0) + 1
    if len(seen) > 12:
        entry["seen"] = {}


def work(state, number):
    source, registry = state["source"], state["registry"]
    names = list(registry)
    for _ in range(6000):
        visit(registry, names[source.randrange(4000)], "page-%d" % source.randrange(200))
    for _ in range(400):
        gone = names[source.randrange(4000)]
        registry[gone] = dict(registry[gone], seen={}, extra=gone.upper())
    state["visits"] += 6000
    by_page = {}
    for name, entry in registry.items():
        for page, count in entry["seen"].items():
            by_page.setdefault(page, {})[name] = count
    merged = {**registry, **{str(key): key for key in range(number % 300)}}
    return by_page, merged


def check(state, number, result):
    by_page, merged = result
    return (sum(entry["visits"] for entry in state["registry"].values()) == state["visits"]
            and len(merged) == 4000 + number % 300 and 0 < len(by_page) <= 200)


if __name__ == "__main__":
    workload.main(work, check, rounds=130, prepare=prepare)
