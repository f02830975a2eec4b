"""Byte buffers from 64 bytes to 64 KB, as many bytes in small ones as in large, held by uploads
that end in any order; one in twenty is kept."""
import random
import zlib

import probe


def buffers(scale):
    source = random.Random(6)
    held = 0
    number = 0
    while held < 100e6 * scale:
        size = int(64 * 1024 ** source.random())
        held += size
        yield number, number.to_bytes(8, "big") + b"\1" * (size - 8)
        number += 1


def stays(number):
    return number * 2654435761 % 2 ** 32 < 2 ** 32 // 20


def full(scale, peak):
    uploads = dict(buffers(scale))
    peak()
    for number in list(uploads):
        if not stays(number):
            del uploads[number]
    return list(uploads.values())


def kept_only(scale):
    return [body for number, body in buffers(scale) if stays(number)]


def digest(kept):
    return zlib.crc32(b"".join(kept))


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
