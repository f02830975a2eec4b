"""A linter: a few hundred source files are parsed, their trees all held for checks across
files; the findings stay when the trees go."""
import ast
import zlib

import probe

SOURCE = '''
import os{n}

class Thing{n}:
    """Holds {n}."""

    def method(self, a, b=({n}, "x"), *rest):
        for index, item in enumerate(rest):
            if item > a + b[0] * {n} or not self.check(item, index=index):
                self.total = [part.name for part in item.parts if part] + [{n}]
        return {{"a": a, "b": b, "c": lambda x: x + {n}}}
'''


def tree(number):
    return ast.parse("".join(SOURCE.format(n=number * 20 + part) for part in range(20)))


def findings(tree):
    return [(node.name, node.lineno, len(node.body)) for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)][::10]


def full(scale, peak):
    trees = [tree(number) for number in range(int(110 * scale) or 1)]
    kept = [findings(one) for one in trees]
    peak()
    return kept


def kept_only(scale):
    return [findings(tree(number)) for number in range(int(110 * scale) or 1)]


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
