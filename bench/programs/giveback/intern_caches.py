"""Caches that grew while a program warmed up: interned names, memoised results and compiled
patterns; clear() is called on all, and a list of the names in use stays."""
import functools
import re
import sys
import zlib

import probe


def name(number):
    return sys.intern("module_%d.function_%d" % (number % 700, number))


def used(count):
    return range(0, count, 997)


def full(scale, peak):
    count = int(300000 * scale)
    names = {}

    @functools.lru_cache(maxsize=None)
    def resolve(text):
        module, function = text.split(".")
        return {"module": module, "function": function, "path": [module, function, text]}

    for number in range(count):
        names[name(number)] = number
        if number % 3 == 0:
            resolve(name(number))
    patterns = [re.compile(r"%s_(\d+)\.[a-z]{%d}" % (chr(97 + number % 26), number % 40 + 1))
                for number in range(1000)]
    peak()
    kept = [name(number) for number in used(count)]
    resolve.cache_clear()
    names.clear()
    re.purge()
    del patterns
    return kept


def kept_only(scale):
    return [name(number) for number in used(int(300000 * scale))]


def digest(kept):
    return zlib.crc32("".join(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
