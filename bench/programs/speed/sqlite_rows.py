"""Rows written to and read from an SQLite database in memory: blobs, texts and numbers cross
between C and Python a hundred thousand at a time."""
import random
import sqlite3

import workload


def prepare():
    source = random.Random(23)
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    database.execute("create table book (id integer primary key, title text, price real, "
                     "pages integer, cover blob, author integer)")
    database.execute("create table author (id integer primary key, name text)")
    database.executemany("insert into author values (?, ?)",
                         ((number, "Author %d" % number) for number in range(300)))
    return {"source": source, "database": database}


def work(state, number):
    source, database = state["source"], state["database"]
    database.execute("delete from book")
    database.executemany("insert into book values (?, ?, ?, ?, ?, ?)", [
        (key, "Title %d %s" % (key, "t" * source.randrange(50)), source.random() * 40,
         source.randrange(2000), b"c" * source.randrange(200), source.randrange(300))
        for key in range(2500)])
    rows = database.execute("select * from book join author on author.id = author "
                            "order by price").fetchall()
    shelves = {}
    for row in rows:
        shelves.setdefault(row["name"], []).append(dict(zip(row.keys(), row)))
    cheap = [tuple(row) for row in database.execute("select id, price from book where price < 4")]
    return rows, shelves, cheap


def check(state, number, result):
    rows, shelves, cheap = result
    return (len(rows) == 2500 and sum(map(len, shelves.values())) == 2500
            and len(cheap) == sum(1 for row in rows if row["price"] < 4)
            and all(before["price"] <= after["price"] for before, after in zip(rows, rows[1:50])))


if __name__ == "__main__":
    workload.main(work, check, rounds=110, prepare=prepare)
