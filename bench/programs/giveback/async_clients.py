"""Thirty thousand clients are served by asyncio tasks that all wait at the same time; when they
have gone, the statistics by client kind stay."""
import asyncio
import zlib

import probe


async def client(number, gate, arrived, statistics):
    state = {"number": number, "inbox": ["hello %d" % number], "buffer": bytearray(number % 300)}
    arrived.append(number)
    await gate.wait()
    state["inbox"].append("goodbye")
    entry = statistics.setdefault("kind %d" % (number % 50), {"clients": 0, "bytes": 0})
    entry["clients"] += 1
    entry["bytes"] += len(state["buffer"])


async def serve(numbers, statistics, peak):
    gate, arrived = asyncio.Event(), []
    tasks = [asyncio.ensure_future(client(number, gate, arrived, statistics))
             for number in numbers]
    while len(arrived) < len(tasks):
        await asyncio.sleep(0)
    peak()
    gate.set()
    await asyncio.gather(*tasks)


def full(scale, peak):
    statistics = {}
    asyncio.run(serve(range(int(30000 * scale)), statistics, peak))
    return statistics


def kept_only(scale):
    statistics = {}
    count = int(30000 * scale)
    for start in range(0, count, 100):
        asyncio.run(serve(range(start, min(start + 100, count)), statistics, lambda: None))
    return statistics


def digest(kept):
    return zlib.crc32(repr(sorted((kind, sorted(entry.items()))
                                  for kind, entry in kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
