"""Linked lists and a skip list of small nodes with insertions and removals at random places:
pointer-chasing structures where neighbours in the list are strangers in memory."""
import random

import workload

LEVELS = 10


class Node:
    __slots__ = ("key", "value", "next")

    def __init__(self, key, value, levels):
        self.key, self.value = key, value
        self.next = [None] * levels


class SkipList:
    def __init__(self, source):
        self.source, self.head, self.size = source, Node(-1, None, LEVELS), 0

    def before(self, key):
        node, found = self.head, [None] * LEVELS
        for level in range(LEVELS - 1, -1, -1):
            while node.next[level] is not None and node.next[level].key < key:
                node = node.next[level]
            found[level] = node
        return found

    def put(self, key, value):
        found = self.before(key)
        node = found[0].next[0]
        if node is not None and node.key == key:
            node.value = value
            return
        levels = 1
        while levels < LEVELS and self.source.random() < 0.3:
            levels += 1
        node = Node(key, value, levels)
        for level in range(levels):
            node.next[level], found[level].next[level] = found[level].next[level], node
        self.size += 1

    def remove(self, key):
        found = self.before(key)
        node = found[0].next[0]
        if node is None or node.key != key:
            return None
        for level in range(len(node.next)):
            found[level].next[level] = node.next[level]
        self.size -= 1
        return node.value

    def keys(self):
        node = self.head.next[0]
        while node is not None:
            yield node.key
            node = node.next[0]


def prepare():
    source = random.Random(18)
    return {"source": source, "list": SkipList(source), "mirror": {}}


def work(state, number):
    source, skips, mirror = state["source"], state["list"], state["mirror"]
    same = 0
    for _ in range(1200):
        key = source.randrange(6000)
        if source.random() < 0.55:
            value = (key, "v%d" % source.randrange(10 ** 6))
            skips.put(key, value)
            mirror[key] = value
        else:
            same += skips.remove(key) is not mirror.pop(key, None)
    return same


def check(state, number, differing):
    return differing == 0 and (number % 10 or list(state["list"].keys()) == sorted(state["mirror"]))


if __name__ == "__main__":
    workload.main(work, check, rounds=490, prepare=prepare)
