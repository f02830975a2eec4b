"""Caches with a bound: functools.lru_cache and an ordered dict with expiry, hit and missed by a
skewed stream of requests, so that old entries go while young ones come."""
import collections
import functools
import random

import workload


class Expiring:
    def __init__(self, size, life):
        self.entries, self.size, self.life = collections.OrderedDict(), size, life
        self.misses = 0

    def get(self, key, now, make):
        entry = self.entries.get(key)
        if entry is not None and now - entry["at"] < self.life:
            self.entries.move_to_end(key)
            return entry["value"]
        self.misses += 1
        value = make(key)
        self.entries[key] = {"at": now, "value": value, "tag": "%s@%d" % (key, now)}
        if len(self.entries) > self.size:
            self.entries.popitem(last=False)
        return value


@functools.lru_cache(maxsize=3000)
def describe(number, kind):
    return {"title": "%s %d" % (kind, number), "words": tuple(str(number))}


def page(key):
    return ("<p>" + key + "</p>") * (1 + hash(len(key) * 7) % 9)


def prepare():
    return {"source": random.Random(17), "pages": Expiring(2500, 20000), "now": 0}


def work(state, number):
    source, pages, right = state["source"], state["pages"], 0
    for _ in range(3000):
        state["now"] += 1
        key = "key%d" % int(20000 * source.random() ** 3)
        right += pages.get(key, state["now"], page).startswith("<p>" + key + "<")
        right += describe(int(9000 * source.random() ** 2), "item")["title"][:5] == "item "
    return right


def check(state, number, right):
    return right == 6000 and len(state["pages"].entries) <= 2500


if __name__ == "__main__":
    workload.main(work, check, rounds=210, prepare=prepare)
