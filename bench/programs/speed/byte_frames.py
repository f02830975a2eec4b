"""Frames of a binary protocol built, cut from a stream and decoded with struct and memoryview:
bytes objects from a few to some thousand bytes, with reassembly buffers that grow."""
import collections
import random
import struct
import zlib

import workload

HEAD = struct.Struct("!HBIH")


def prepare():
    return {"source": random.Random(26), "recent": collections.deque(maxlen=200),
            "open": {}}


def frames(source, count):
    for number in range(count):
        size = int(20 + 3000 * source.random() ** 4)
        body = bytes([number % 251]) * size
        yield HEAD.pack(0xBEEF, number % 7, zlib.crc32(body), size) + body


def cut(chunks):
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= HEAD.size:
            mark, channel, crc, size = HEAD.unpack_from(buffer)
            if len(buffer) < HEAD.size + size:
                break
            body = bytes(memoryview(buffer)[HEAD.size:HEAD.size + size])
            del buffer[:HEAD.size + size]
            yield mark, channel, crc, body


def work(state, number):
    source, good = state["source"], 0
    stream = b"".join(frames(source, 600))
    places = sorted(source.randrange(len(stream)) for _ in range(250))
    chunks = [stream[start:end] for start, end in zip([0] + places, places + [len(stream)])]
    for mark, channel, crc, body in cut(chunks):
        good += mark == 0xBEEF and zlib.crc32(body) == crc
        state["recent"].append({"channel": channel, "body": body, "hex": body[:12].hex()})
        parts = state["open"].setdefault(channel, [])
        parts.append(body)
        if len(parts) > 40:
            state["open"][channel] = [b"".join(parts)[:1000]]
    return good


def check(state, number, good):
    return good == 600


if __name__ == "__main__":
    workload.main(work, check, rounds=900, prepare=prepare)
