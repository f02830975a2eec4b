"""Work for the other programs: objects of many sizes, with a way to tell that none was damaged."""
import json
import random
import struct
import zlib

PAIRS_A_MIB = 3200 if struct.calcsize("P") == 8 else 5300


def burst(mib):
    """Strings and small containers of about `mib` MiB in all."""
    return [[str(number) * 3, {"n": number}] for number in range(int(mib * PAIRS_A_MIB))]


def mixed(seed, count):
    """A list of `count` objects of all sizes, the same for the same seed."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        kind = number % 5
        if kind == 0:
            made.append(chance.getrandbits(8 * chance.randrange(1, 900)).to_bytes(900, "little"))
        elif kind == 1:
            made.append([chance.random() for _ in range(chance.randrange(0, 60))])
        elif kind == 2:
            made.append({str(key): key for key in range(chance.randrange(0, 40))})
        elif kind == 3:
            made.append("x" * chance.randrange(0, 5000))
        else:
            made.append(bytearray(chance.randrange(0, 70000) if number % 50 == 4 else 10))
    return made


def digest(made):
    """A number that depends on every byte of what `mixed` made."""
    total = 0
    for thing in made:
        data = bytes(thing) if isinstance(thing, (bytes, bytearray)) else json.dumps(thing).encode()
        total = zlib.crc32(data, total)
    return total


def churn(seed, rounds=20, count=300):
    """Makes, grows, shrinks, drops and verifies; returns the number of rounds done well."""
    expected = digest(mixed(seed, count))
    kept = []
    for number in range(rounds):
        made = mixed(seed, count)
        if digest(made) != expected:
            raise SystemExit("work: objects of seed %d were damaged in round %d" % (seed, number))
        kept.append(made[number % count::7])
        for thing in kept[-1]:
            if isinstance(thing, list):
                thing.extend(range(100))
        if len(kept) > 5:
            del kept[number % 5]
    return rounds
