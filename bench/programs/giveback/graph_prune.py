"""A graph of instances that refer to one another both ways is built, ranked, and pruned to the
component that grew out of its first nodes; the rest is garbage in cycles."""
import random
import zlib

import probe


class Node:
    def __init__(self, name):
        self.name, self.links, self.back, self.rank = name, [], [], 0.0


def connect(source, nodes, node):
    for _ in range(3):
        other = nodes[int(len(nodes) * source.random())]
        node.links.append(other)
        other.back.append(node)


def grow(source, count, prefix):
    nodes = []
    for number in range(count):
        node = Node("%s-%d" % (prefix, number))
        if nodes:
            connect(source, nodes, node)
        nodes.append(node)
    for node in nodes:
        node.rank = sum(1.0 / len(other.links) for other in node.back)
    return nodes


def full(scale, peak):
    small, big = int(3000 * scale) or 3, int(100000 * scale)
    kept = grow(random.Random(4), small, "kept")
    rest = [grow(random.Random(number), big // 4, "rest") for number in range(4)]
    peak()
    del rest
    return kept


def kept_only(scale):
    return grow(random.Random(4), int(3000 * scale) or 3, "kept")


def digest(kept):
    return zlib.crc32(repr([(node.name, round(node.rank, 9)) for node in kept]).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
