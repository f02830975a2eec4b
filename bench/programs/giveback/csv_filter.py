"""A table is loaded from CSV into rows of typed values, and the rows of one shop in fifty,
spread over the whole table, are kept."""
import csv
import random
import zlib

import probe


def lines(scale):
    source = random.Random(3)
    for number in range(int(220000 * scale)):
        yield "%d,shop %d,2024-%02d-%02d,%.2f,%d,%s" % (
            number, source.randrange(300), number % 12 + 1, number % 28 + 1,
            source.random() * 500, source.randrange(1, 40), "remark " * source.randrange(5))


def typed(row):
    return [int(row[0]), row[1], row[2], float(row[3]), int(row[4]), row[5].strip()]


def wanted(row):
    return int(row[1][5:]) % 50 == 0


def full(scale, peak):
    table = [typed(row) for row in csv.reader(lines(scale))]
    peak()
    return [row for row in table if wanted(row)]


def kept_only(scale):
    return [typed(row) for row in csv.reader(lines(scale)) if wanted(row)]


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
