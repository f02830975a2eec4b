"""Balanced trees by path copying: each insertion makes new nodes along one path and shares
the rest, and old versions are dropped in bulk, as in persistent maps and interpreters."""
import collections
import random

import workload


class Tree:
    __slots__ = ("left", "key", "value", "right", "rank")

    def __init__(self, left, key, value, right, rank):
        self.left, self.key, self.value, self.right, self.rank = left, key, value, right, rank


def insert(tree, key, value, rank):
    """A treap: the higher rank is nearer to the root."""
    if tree is None:
        return Tree(None, key, value, None, rank)
    if key == tree.key:
        return Tree(tree.left, key, value, tree.right, tree.rank)
    if key < tree.key:
        left = insert(tree.left, key, value, rank)
        if left.rank > tree.rank:
            right = Tree(left.right, tree.key, tree.value, tree.right, tree.rank)
            return Tree(left.left, left.key, left.value, right, left.rank)
        return Tree(left, tree.key, tree.value, tree.right, tree.rank)
    right = insert(tree.right, key, value, rank)
    if right.rank > tree.rank:
        left = Tree(tree.left, tree.key, tree.value, right.left, tree.rank)
        return Tree(left, right.key, right.value, right.right, right.rank)
    return Tree(tree.left, tree.key, tree.value, right, tree.rank)


def items(tree):
    path = []
    while path or tree is not None:
        while tree is not None:
            path.append(tree)
            tree = tree.left
        tree = path.pop()
        yield tree.key, tree.value
        tree = tree.right


def prepare():
    return {"source": random.Random(25), "versions": collections.deque(maxlen=300)}


def work(state, number):
    source, tree, mirror = state["source"], None, {}
    for _ in range(1500):
        key = source.randrange(1200)
        mirror[key] = source.random()
        tree = insert(tree, key, mirror[key], source.random())
        state["versions"].append(tree)
    return tree, mirror


def check(state, number, result):
    tree, mirror = result
    return list(items(tree)) == sorted(mirror.items())


if __name__ == "__main__":
    workload.main(work, check, rounds=210, prepare=prepare)
