"""JSON both ways: documents of a web API are written and read back, all sizes from a line to
some hundred kilobytes, with a handful of parsed ones kept as a cache would."""
import collections
import json
import random

import workload


def make_document(source, size):
    return {"page": size, "next": None, "results": [
        {"id": source.randrange(10**9), "name": "user %d" % source.randrange(10**5),
         "score": source.random(), "active": source.random() < 0.5,
         "tags": ["tag%d" % source.randrange(500) for _ in range(source.randrange(6))],
         "profile": {"bio": "words " * source.randrange(20), "zip": str(source.randrange(99999)),
                     "place": [source.random() * 90, source.random() * 180]}}
        for _ in range(size)]}


def prepare():
    source = random.Random(2)
    sizes = [1, 1, 2, 3, 5, 8, 20, 40, 90, 200, 900]
    documents = [make_document(source, size) for size in sizes for _ in range(2)]
    return {"documents": documents, "cache": collections.deque(maxlen=30)}


def work(state, number):
    good = 0
    for document in state["documents"]:
        text = json.dumps(document, indent=None if number % 2 else 1)
        again = json.loads(text)
        good += again == document
        state["cache"].append(again)
    return good


def check(state, number, good):
    return good == len(state["documents"])


if __name__ == "__main__":
    workload.main(work, check, rounds=41, prepare=prepare)
