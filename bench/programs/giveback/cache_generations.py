"""A cache in generations: each new one is filled while the two before it still serve; after the
last change only a small current one is left."""
import collections
import zlib

import probe


def entry(generation, number):
    return {"key": (generation, number), "body": "body %d of %d " % (number, generation) * (
        number % 7), "sizes": [number % 5] * (number % 9), "seen": number * 1.25}


def fill(generation, count):
    return {"k%d" % number: entry(generation, number) for number in range(count)}


def full(scale, peak):
    count = int(60000 * scale)
    generations = collections.deque(maxlen=3)
    for generation in range(5):
        generations.append(fill(generation, count))
    peak()
    current = fill(5, count // 40)
    generations.clear()
    return current


def kept_only(scale):
    return fill(5, int(60000 * scale) // 40)


def digest(kept):
    return zlib.crc32(repr(sorted(kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
