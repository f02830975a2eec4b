"""A million times str(random.random()), then all but a few are dropped.

--keep says which stay: a number of them at random places (50), a share of them (1%), half (at random), or first
(the first half). One survivor holds whatever its allocator cannot take apart.
"""
import os
import random
import sys
import zlib

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
import probe  # noqa: E402  (it lies beside the programs)


def places(count, keep):
    """A byte for each string: 1 if it is kept."""
    flags = bytearray(count)
    chance = random.Random(77)
    if keep == "first":
        flags[:count // 2] = b"\1" * (count // 2)
    elif keep == "half":
        for place in range(count):
            flags[place] = chance.random() < 0.5
    else:
        wanted = count * int(keep[:-1]) // 100 if keep.endswith("%") else int(keep)
        while wanted:
            place = chance.randrange(count)
            wanted -= not flags[place]
            flags[place] = 1
    return flags


def strings(count):
    source = random.Random(1)
    return (str(source.random()) for _ in range(count))


def full(scale, peak, keep):
    count = int(1000000 * scale)
    flags = places(count, keep)
    everything = list(strings(count))
    peak()
    return [text for text, stays in zip(everything, flags) if stays]


def kept_only(scale, keep):
    count = int(1000000 * scale)
    return [text for text, stays in zip(strings(count), places(count, keep)) if stays]


def digest(kept):
    return zlib.crc32("".join(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest, keep="50")
