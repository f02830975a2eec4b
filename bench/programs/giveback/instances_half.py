"""Instances with a __dict__ each, made in stretches that belong together; every second stretch
of a thousand goes, as when half of the tenants of a server sign off."""
import zlib

import probe

STRETCH = 1000


class Item:
    def __init__(self, number):
        self.number = number
        self.title = "item %d" % number
        self.price = number * 0.01
        self.tags = [self.title[-3:], number % 17]
        if number % 3 == 0:
            self.extra = {"since": number}


def stretch(number):
    return [Item(number * STRETCH + place) for place in range(STRETCH)]


def full(scale, peak):
    tenants = [stretch(number) for number in range(int(180 * scale) or 2)]
    peak()
    return tenants[::2]


def kept_only(scale):
    return [stretch(number) for number in range(0, int(180 * scale) or 2, 2)]


def digest(kept):
    return zlib.crc32(repr([(item.title, item.price, item.tags) for part in kept
                            for item in part]).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
