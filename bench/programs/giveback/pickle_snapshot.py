"""A snapshot of a whole application is unpickled to look up one table of it; the other tables
go as soon as the answer is there."""
import pickle
import zlib

import probe


class Row:
    def __init__(self, table, number):
        self.key = "%s/%d" % (table, number)
        self.values = {"count": number, "ratio": number / 3.0, "name": "row %d" % number}


def table(number, rows):
    return [Row("table%d" % number, row) for row in range(rows)]


def snapshots(scale):
    """Twenty tables, pickled one by one so that the snapshot itself is never a large object."""
    return (pickle.dumps(table(number, int(6000 * scale) // (1 if number != 7 else 5)))
            for number in range(20))


def full(scale, peak):
    tables = [pickle.loads(data) for data in snapshots(scale)]
    peak()
    return tables[7]


def kept_only(scale):
    return pickle.loads(pickle.dumps(table(7, int(6000 * scale) // 5)))


def digest(kept):
    return zlib.crc32(repr([(row.key, row.values) for row in kept]).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
