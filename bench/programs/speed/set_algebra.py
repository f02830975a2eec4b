"""Sets of tags and ids combined in queries: unions, intersections and differences of very
different sizes, as in permission checks, deduplication and search facets."""
import random

import workload


def prepare():
    source = random.Random(9)
    tags = {}
    for tag in range(120):
        size = int(3000 / (1 + tag * 0.4)) + 5
        tags["tag%d" % tag] = {source.randrange(20000) for _ in range(size)}
    return {"source": source, "tags": tags, "all": set().union(*tags.values())}


def query(source, tags):
    names = ["tag%d" % int(120 * source.random() ** 2) for _ in range(4)]
    some = tags[names[0]] | tags[names[1]]
    both = some & tags[names[2]]
    rest = some - tags[names[3]]
    odd = {("odd", item) for item in both if item % 2}
    return names, some, both, rest, odd


def right(tags, answer):
    names, some, both, rest, odd = answer
    return (len(both) + len(some - tags[names[2]]) == len(some)
            and not rest & tags[names[3]] and len(odd) <= len(both))


def work(state, number):
    answers = [query(state["source"], state["tags"]) for _ in range(120)]
    seen = set()
    for answer in answers:
        seen.update(frozenset(answer[2]) if len(answer[2]) < 200 else answer[2])
    return answers, seen


def check(state, number, result):
    answers, seen = result
    return right(state["tags"], answers[number % 120]) and seen <= state["all"]


if __name__ == "__main__":
    workload.main(work, check, rounds=49, prepare=prepare)
