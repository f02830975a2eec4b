"""One large computation, then many short ones for a long time: does the large one's memory stay?

What it leaves behind is small and scattered. --scale is the size of the large computation,
--seconds-worth how long about the short ones go on. The marks `short` and `done` lie around
the short ones, so that what the process holds meanwhile can be sampled from outside, and their
speed compared.
"""
import os
import random
import sys
import zlib

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
import probe  # noqa: E402  (it lies beside the programs)

SHORTS_A_SECOND = 400  # on a machine of today; fixed, so that all do the same work


def measurement(source, number):
    return {"id": number, "name": "sensor-%d" % (number % 997), "value": source.random(),
            "path": [number, str(number), (source.random(), number % 7)]}


def large(count):
    """All against all, summed up by sensor."""
    source = random.Random(3)
    return [measurement(source, number) for number in range(count)]


def summary(measurements):
    """One in a thousand stays as it is, the rest as sums."""
    sums = {}
    for one in measurements:
        sums[one["name"]] = sums.get(one["name"], 0.0) + one["value"]
    return measurements[::1000], sums


def short(number):
    """A request: some thousand objects that live for a few milliseconds."""
    source = random.Random(number)
    rows = [measurement(source, at) for at in range(5000)]
    by_name = {}
    for row in rows:
        by_name.setdefault(row["name"][-2:], []).append(row)
    text = ",".join("%s:%d" % (name, len(group)) for name, group in sorted(by_name.items()))
    return len(rows), zlib.crc32(text.encode())


def shorts(count):
    for number in range(count):
        rows, _ = short(number)
        assert rows == 5000


def full(scale, peak, **words):
    measurements = large(int(315000 * scale))
    kept = summary(measurements)
    peak()
    del measurements
    probe.mark("short")
    shorts(int(SHORTS_A_SECOND * words["seconds-worth"]))
    probe.mark("done")
    return kept


def kept_only(scale, **words):
    source = random.Random(3)
    sample, sums = [], {}
    for number in range(int(315000 * scale)):
        one = measurement(source, number)
        sums[one["name"]] = sums.get(one["name"], 0.0) + one["value"]
        if number % 1000 == 0:
            sample.append(one)
    return sample, sums


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest, **{"seconds-worth": 4.0})
