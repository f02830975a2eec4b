"""One dictionary grows through all its sizes to a million keys, is thinned out and copied, and
many small ones are cleared: tables of every size are freed in turn."""
import zlib

import probe


def key(number):
    return "key:%07d" % (number * 7919 % 10000019)


def full(scale, peak):
    count = int(700000 * scale)
    large = {}
    for number in range(count):
        large[key(number)] = number * 3
    small = [{place: place for place in range(number % 40)} for number in range(count // 20)]
    peak()
    for table in small:
        table.clear()
    for number in range(count):
        if number >= 5000:
            del large[key(number)]
    return dict(large)


def kept_only(scale):
    return {key(number): number * 3 for number in range(min(5000, int(700000 * scale)))}


def digest(kept):
    return zlib.crc32(repr(sorted(kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
