"""The result of a query is fetched as a whole, decoded row by row into objects, and the keys of
some rows are kept; the database itself is a small one in memory that is closed."""
import sqlite3
import zlib

import probe

ROWS = 120000


def rows_of(scale):
    """The join of two small tables: many rows from little data."""
    database = sqlite3.connect(":memory:")
    database.execute("create table a (x integer)")
    database.executemany("insert into a values (?)", ((number,) for number in range(400)))
    try:
        yield from database.execute(
            "select p.x * 400 + q.x, 'row ' || p.x || '-' || q.x, p.x / 7.0, "
            "hex(p.x * 65537 + q.x) from a p, a q order by p.x, q.x limit ?",
            (int(ROWS * scale),))
    finally:
        database.close()


def decoded(row):
    return {"key": row[0], "label": row[1], "ratio": row[2], "code": row[3].lower(),
            "parts": row[1].split("-")}


def full(scale, peak):
    records = [decoded(row) for row in rows_of(scale)]
    peak()
    return [record["key"] * 1000 for record in records if record["key"] % 100 == 7]


def kept_only(scale):
    return [row[0] * 1000 for row in rows_of(scale) if row[0] % 100 == 7]


def digest(kept):
    return zlib.crc32(repr(kept).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
