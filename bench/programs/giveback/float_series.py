"""Long lists of floats, each computed from the one before, as in a simulation without an array
library; the last state is kept thinned out to every 200th value."""
import zlib

import probe


def start(count):
    return [number % 1000 * 0.001 for number in range(count)]


def step(values, factor):
    return [value * factor + 0.1 for value in values]


def full(scale, peak):
    values, history = start(int(800000 * scale)), []
    for factor in (0.5, 0.25, 0.75, 0.6):
        history.append(values)
        values = step(values, factor)
    peak()
    return values[::200]


def kept_only(scale):
    values = start(int(800000 * scale))[::200]
    for factor in (0.5, 0.25, 0.75, 0.6):
        values = step(values, factor)
    return values


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
