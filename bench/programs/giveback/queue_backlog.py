"""A queue builds up a backlog of messages of all sizes while its consumer is away, then drains;
the last two thousand stay as a window for replay."""
import collections
import zlib

import probe

WINDOW = 2000


def message(number):
    size = 20 + number * 2654435761 % 2 ** 32 % (900 if number % 10 == 0 else 120)
    return {"number": number, "body": b"m" * size, "headers": {"to": "q%d" % (number % 30)},
            "tries": [number % 3]}


def full(scale, peak):
    count = int(150000 * scale)
    backlog = collections.deque(message(number) for number in range(count))
    peak()
    window = collections.deque(maxlen=WINDOW)
    while backlog:
        window.append(backlog.popleft())
    return window


def kept_only(scale):
    count = int(150000 * scale)
    return collections.deque((message(number) for number in range(max(0, count - WINDOW), count)),
                             maxlen=WINDOW)


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
