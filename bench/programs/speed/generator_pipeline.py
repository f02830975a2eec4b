"""Pipelines of generators over records, many of them open at once: the shape of streaming
extract-and-load jobs."""
import itertools
import random

import workload


def rows(source, count):
    for number in range(count):
        yield {"key": source.randrange(500), "amount": source.random() * 100, "line": number}


def parsed(lines):
    for line in lines:
        key, amount = line["key"], line["amount"]
        yield key, amount, "k%03d" % key


def enlarged(records, factor):
    for key, amount, name in records:
        yield from ((key, amount * step, name + str(step)) for step in range(1, factor))


def batched(records, size):
    while True:
        batch = list(itertools.islice(records, size))
        if not batch:
            return
        yield batch


def tree_walk(depth):
    if depth:
        yield from tree_walk(depth - 1)
        yield depth
        yield from tree_walk(depth - 1)


def work(state, number):
    source = random.Random(number)
    open_pipes = [batched(enlarged(parsed(rows(source, 200)), 4), 50 + 10 * pipe)
                  for pipe in range(30)]
    seen, nodes = 0, 0
    while open_pipes:
        for pipe in list(open_pipes):
            batch = next(pipe, None)
            if batch is None:
                open_pipes.remove(pipe)
            else:
                seen += len({name for _, _, name in batch}) > 0 and len(batch)
    for depth in (4, 7, 10):
        nodes += sum(1 for _ in tree_walk(depth))
    return seen, nodes


def check(state, number, result):
    return result == (30 * 200 * 3, 15 + 127 + 1023)


if __name__ == "__main__":
    workload.main(work, check, rounds=130)
