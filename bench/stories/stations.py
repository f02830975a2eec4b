"""600 audio stations, each a list of strings of 200 to 1400 bytes; then 540 go off the air.

A station's list is capped at 128 KiB: it drops its oldest strings as new ones come in, so that
the strings of all stations lie between one another when most of them go.
"""
import os
import random
import sys
import zlib

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
import probe  # noqa: E402  (it lies beside the programs)

CAP_BYTES = 128 * 1024
FRAMES = 230  # a station's cap is reached after some 160


class Station:
    def __init__(self, number):
        self.state, self.frames, self.held_bytes = number, [], 0

    def receive(self):
        self.state = (self.state * 1103515245 + 12345) % 2 ** 31
        size = 200 + self.state % 65537 % 1201
        frame = (b"%08x" % self.state).ljust(size, b".")
        self.frames.append(frame)
        self.held_bytes += sys.getsizeof(frame)
        while self.held_bytes > CAP_BYTES:
            self.held_bytes -= sys.getsizeof(self.frames.pop(0))


def staying(count):
    """The one in ten that stays: scattered over all."""
    chance = random.Random(77)
    numbers = list(range(count))
    chance.shuffle(numbers)
    return sorted(numbers[:max(1, count // 10)])


def broadcast(stations):
    for _ in range(FRAMES):
        for station in stations:
            station.receive()


def full(scale, peak):
    count = max(10, int(600 * scale))
    stations = [Station(number) for number in range(count)]
    broadcast(stations)
    peak()
    return [stations[number] for number in staying(count)]


def kept_only(scale):
    count = max(10, int(600 * scale))
    stations = [Station(number) for number in staying(count)]
    broadcast(stations)
    return stations


def digest(kept):
    return zlib.crc32(b"".join(b"".join(station.frames) for station in kept))


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
