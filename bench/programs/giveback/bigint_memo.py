"""A memo table of big integers of growing length, filled by a recursion; one value in a hundred
is kept with its place."""
import zlib

import probe


def values(count):
    a, b = 1, 3
    for number in range(count):
        yield number, a
        a, b = b, (a + 2 * b) % (1 << (64 + number % 4000))


def full(scale, peak):
    memo = dict(values(int(120000 * scale)))
    tuples = {number: (value, str(number)) for number, value in memo.items()}
    peak()
    del tuples
    return [(number, value) for number, value in memo.items() if number % 100 == 50]


def kept_only(scale):
    return [(number, value) for number, value in values(int(120000 * scale))
            if number % 100 == 50]


def digest(kept):
    return zlib.crc32(b"".join(value.to_bytes(600, "big") for _, value in kept))


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
