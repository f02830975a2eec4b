"""Log lines are aggregated with the help of a large LRU cache of parsed user agents and
addresses; at the end of the day the cache is dropped and the counters stay."""
import collections
import random
import zlib

import probe


def lines(scale):
    source = random.Random(2)
    for number in range(int(260000 * scale)):
        who = int(200000 * source.random() ** 1.3)
        yield "10.%d.%d.%d GET /page/%d %d Agent/%d.%d" % (
            who >> 16, who >> 8 & 255, who & 255, number % 150, source.randrange(60000),
            who % 9, who % 31)


def parse(address, agent):
    name, version = agent.split("/")
    return {"network": address.rsplit(".", 1)[0], "octets": [int(part) for part in
            address.split(".")], "agent": name, "version": tuple(version.split(".")),
            "label": "%s from %s" % (agent, address)}


class Cache:
    def __init__(self, size):
        self.entries, self.size = collections.OrderedDict(), size

    def get(self, address, agent):
        entry = self.entries.get((address, agent))
        if entry is None:
            entry = self.entries[address, agent] = parse(address, agent)
            if len(self.entries) > self.size:
                self.entries.popitem(last=False)
        else:
            self.entries.move_to_end((address, agent))
        return entry


def aggregate(scale, size):
    cache, counts = Cache(size), {}
    for line in lines(scale):
        address, _, path, sent, agent = line.split(" ")
        entry = cache.get(address, agent)
        key = path, ".".join(entry["version"])
        count = counts.setdefault(key, [0, 0])
        count[0] += 1
        count[1] += int(sent)
    return cache, counts


def full(scale, peak):
    cache, counts = aggregate(scale, int(100000 * scale))
    peak()
    return counts


def kept_only(scale):
    return aggregate(scale, 1)[1]


def digest(kept):
    return zlib.crc32(repr(sorted(kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
