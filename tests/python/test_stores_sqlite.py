"""SQLite stores in files that others have made: refused as they are, or read with care."""
import hashlib
import math
import os
import random
import resource
import sqlite3
import time

import pytest

neap = pytest.importorskip("neap")
from neap import StoreError, connect  # noqa: E402

ABOUT = "CREATE TABLE neap_about (format, key, value)"
TABLE = "CREATE TABLE neap (key PRIMARY KEY, value) WITHOUT ROWID"
APPLICATION = 0x4E656170


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


def database(path, *statements, about=("2", "str", "u32"), application=APPLICATION):
    with sqlite3.connect(path) as one:
        for statement in statements:
            one.execute(statement)
        if ABOUT in statements and about:
            one.execute("INSERT INTO neap_about VALUES (?, ?, ?)", about)
        one.execute(f"PRAGMA application_id = {application}")
    one.close()


def state(folder):
    return {entry.name: hashlib.sha256(entry.read_bytes()).hexdigest() for entry in folder.iterdir() if entry.is_file()}


ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT 'a' || n AS key, n AS value FROM r"
OTHERS = {
    "another program's": (["CREATE TABLE users (name)"], None, 0),
    "another program's, by its number": (["CREATE TABLE users (name)"], None, 77),
    "its number alone": ([], None, 77),
    "a view for the table": ([ABOUT, f"CREATE VIEW neap AS {ENDLESS}"], ("2", "str", "u32"), APPLICATION),
    "a view for what is said about it": ([TABLE, f"CREATE VIEW neap_about AS SELECT key, value, value AS format FROM ({ENDLESS})"], None, APPLICATION),
    "a trigger": ([ABOUT, TABLE, "CREATE TRIGGER t AFTER INSERT ON neap BEGIN DELETE FROM neap; END"], ("2", "str", "u32"), APPLICATION),
    "a table more": ([ABOUT, TABLE, "CREATE TABLE big (x)"], ("2", "str", "u32"), APPLICATION),
    "an index more": ([ABOUT, TABLE, "CREATE INDEX i ON neap (value)"], ("2", "str", "u32"), APPLICATION),
    "a generated column": ([ABOUT, "CREATE TABLE neap (key PRIMARY KEY, x, value AS (hex(zeroblob(200000000))))"], ("2", "str", "u32"), APPLICATION),
    "a check": ([ABOUT, "CREATE TABLE neap (key PRIMARY KEY, value CHECK (value < 5)) WITHOUT ROWID"], ("2", "str", "u32"), APPLICATION),
    "a collation": ([ABOUT, "CREATE TABLE neap (key PRIMARY KEY COLLATE NOCASE, value) WITHOUT ROWID"], ("2", "str", "u32"), APPLICATION),
    "a type": ([ABOUT, "CREATE TABLE neap (key TEXT PRIMARY KEY, value) WITHOUT ROWID"], ("2", "str", "u32"), APPLICATION),
    "a default": ([ABOUT, "CREATE TABLE neap (key PRIMARY KEY, value DEFAULT (randomblob(9))) WITHOUT ROWID"], ("2", "str", "u32"), APPLICATION),
    "half of it": ([ABOUT], ("2", "str", "u32"), APPLICATION),
    "another format": ([ABOUT, TABLE], ("3", "str", "u32"), APPLICATION),
    "no format": ([ABOUT, TABLE], None, APPLICATION),
    "a format of another type": ([ABOUT, TABLE], (2, "str", "u32"), APPLICATION),
    "a kind of another type": ([ABOUT, TABLE], ("2", b"str", "u32"), APPLICATION),
    "other kinds": ([ABOUT, TABLE], ("2", "str\x1b[2J\n", "str"), APPLICATION),
    "this format without its number": ([ABOUT, TABLE], ("2", "str", "u32"), 0),
}


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
@pytest.mark.parametrize("other", OTHERS)
def test_what_is_not_a_stores_stays_as_it_is(tmp_path, other, mode):
    statements, about, application = OTHERS[other]
    path = tmp_path / "file.db"
    database(path, f"PRAGMA journal_mode = {mode}", *statements, about=about, application=application)
    before = state(tmp_path)
    started = time.monotonic()
    error, text = outcome(lambda: connect(f"sqlite:{path}", "str", "u32", timeout=1))
    assert error is ValueError and time.monotonic() - started < 5 and text.isprintable(), (error, text)
    assert state(tmp_path) == before


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_database_in_use_stays_as_it_is(tmp_path, mode):
    """Also one that another process has open: what it has not moved from its log to the file stays in the log."""
    path = tmp_path / "file.db"
    owner = sqlite3.connect(path, isolation_level=None)
    owner.execute(f"PRAGMA journal_mode = {mode}")
    owner.execute("CREATE TABLE users (name)")
    owner.execute("INSERT INTO users VALUES ('x')")
    before = {name: digest for name, digest in state(tmp_path).items() if not name.endswith("-shm")}
    assert outcome(lambda: connect(f"sqlite:{path}", "str", "u32", timeout=1))[0] is ValueError
    assert {name: digest for name, digest in state(tmp_path).items() if not name.endswith("-shm")} == before
    owner.execute("INSERT INTO users VALUES ('y')")
    owner.close()


def test_two_make_it_at_once(tmp_path):
    """The tables that come between the look and the making are looked at too."""
    from neap import store_sqlite

    path, look = tmp_path / "file.db", store_sqlite.SqliteStore._look
    for statements, expected in ((["CREATE TABLE users (name)"], ValueError), ([ABOUT, TABLE], None)):

        class Slow(store_sqlite.SqliteStore):
            def _look(self):
                found = look(self)
                database(path, *statements, application=0 if expected else APPLICATION)
                return found

        if expected:
            assert outcome(lambda: Slow(f"sqlite:{path}", "str", "u32", 100, 1))[0] is expected
            with sqlite3.connect(path) as one:
                assert one.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]
            os.unlink(path)
        else:
            with Slow(f"sqlite:{path}", "str", "u32", 100, 1) as store:
                store["a"] = 1
                assert dict(store) == {"a": 1}
        one.close()


def test_what_is_added_later_is_not_used(tmp_path):
    path = tmp_path / "file.db"
    with connect(f"sqlite:{path}", "str", "u32", timeout=1) as store:
        store.update({"a": 1, "b": 2})
        with sqlite3.connect(path) as hostile:
            hostile.execute("CREATE TABLE big (x)")
            hostile.execute("CREATE TRIGGER t AFTER INSERT ON neap BEGIN INSERT INTO big SELECT randomblob(1000000); END")
            hostile.execute("CREATE TRIGGER u AFTER DELETE ON neap BEGIN INSERT INTO big SELECT randomblob(1000000); END")
        for call in (lambda: store.__setitem__("c", 1), lambda: store.update({"c": 1, "d": 2}), lambda: store.pop("a"), store.clear):
            error, text = outcome(call)
            assert error is StoreError and "a trigger or a view" in text, (error, text)
        assert hostile.execute("SELECT COUNT(*) FROM big").fetchone() == (0,) and store["a"] == 1
        hostile.execute("DROP TABLE neap")
        hostile.execute(f"CREATE VIEW neap AS {ENDLESS}")
        for call in (lambda: store["a"], lambda: len(store), lambda: list(store)):
            assert outcome(call)[0] is StoreError
        hostile.close()


ROWS = [("a", "text"), ("b", b"1"), ("c", 1.0), ("d", None), ("e", -1), ("f", 1 << 32), (5, 1), (b"g", 1), (1.5, 1)]


@pytest.mark.parametrize("row", ROWS)
def test_values_of_another_kind(tmp_path, row):
    path = tmp_path / "file.db"
    database(path, ABOUT, TABLE)
    with sqlite3.connect(path) as one:
        one.execute("INSERT INTO neap VALUES (?, ?)", row)
        one.execute("INSERT INTO neap VALUES ('good', 7)")
    one.close()
    with connect(f"sqlite:{path}", "str", "u32") as store:
        assert store["good"] == 7 and store.get_many(["good", "none"]) == [7, None] and len(store) == 2
        error, text = outcome(lambda: dict(store.items()))
        assert error is StoreError and "not of kind" in text
        if isinstance(row[0], str):
            for call in (lambda: store[row[0]], lambda: store.setdefault(row[0], 1), lambda: store.add(row[0]), lambda: store.pop(row[0])):
                assert outcome(call)[0] is StoreError


def test_a_text_that_is_none(tmp_path):
    path = tmp_path / "file.db"
    database(path, ABOUT, TABLE, about=("2", "str", "str"))
    with sqlite3.connect(path) as one:
        one.execute("INSERT INTO neap VALUES ('a', CAST(x'736563726574ff' AS TEXT))")
    one.close()
    with connect(f"sqlite:{path}") as store:
        error, text = outcome(lambda: store["a"])
        assert error is StoreError and "not UTF-8" in text and "secret" not in text


def test_damaged_files(tmp_path):
    """No crash, no hang, no memory without end: a right answer, or an error."""
    good = tmp_path / "good.db"
    with connect(f"sqlite:{good}", "str", "u32") as store:
        store.update((f"k{number}", number) for number in range(5000))
    whole, chance = good.read_bytes(), random.Random(1)
    for turn in range(60):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 20, 400])):
            data[chance.randrange(100 if turn % 2 else 0, len(data))] = chance.randrange(256)
        if turn % 5 == 0:
            data = data[:chance.randrange(len(data))]
        path = tmp_path / f"{turn}.db"
        path.write_bytes(data)
        started = time.monotonic()
        kinds = StoreError, ValueError, KeyError
        store = outcome(lambda: connect(f"sqlite:{path}", "str", "u32", timeout=1))
        if isinstance(store, tuple):
            assert store[0] in kinds, store
            continue
        for call in (lambda: store.get("k7"), lambda: store.__setitem__("b", 2), lambda: len(store), lambda: len(list(store.items())),
                     lambda: store.pop("k9"), lambda: store.nbytes, store.trim, store.clear, store.close):
            found = outcome(call)
            assert not isinstance(found, tuple) or found[0] in kinds, found
        assert time.monotonic() - started < 15


def chained(path):
    """A store's file whose tree is one of pages that all lead to the same next page, sixteen times: nothing that
    SQLite knows is wrong, and no computer is done with walking over it."""
    database(path, "PRAGMA page_size = 512", ABOUT, TABLE, about=("2", "u64", "u64"))
    with sqlite3.connect(path) as one:
        one.executemany("INSERT INTO neap VALUES (?, ?)", ((number, number) for number in range(200_000)))
        root = one.execute("SELECT rootpage FROM sqlite_master WHERE name = 'neap'").fetchone()[0]
    one.close()
    data = bytearray(path.read_bytes())
    inner = [page for page in range(2, len(data) // 512 + 1) if data[(page - 1) * 512] == 2]  # of an index
    inner.remove(root)
    chain = [root, *inner[:16]]
    for page, child in zip(chain, chain[1:]):
        start = (page - 1) * 512
        cells = int.from_bytes(data[start + 3:start + 5], "big")
        data[start + 8:start + 12] = child.to_bytes(4, "big")  # the rightmost
        for cell in range(cells):
            at = start + int.from_bytes(data[start + 12 + 2 * cell:start + 14 + 2 * cell], "big")
            data[at:at + 4] = child.to_bytes(4, "big")
    path.write_bytes(data)


def test_a_statement_without_an_end(tmp_path):
    path = tmp_path / "file.db"
    chained(path)
    with connect(f"sqlite:{path}", "u64", "u64", timeout=1) as store:
        started = time.monotonic()
        error, text = outcome(lambda: len(store))
        assert error is StoreError and "no answer within 1 seconds" in text, (error, text)
        assert outcome(lambda: sum(1 for _ in store))[0] is StoreError
    assert time.monotonic() - started < 20


def test_the_time_that_a_call_may_take(tmp_path):
    """The limit ends a statement in the middle; the store goes on."""
    with connect(f"sqlite:{tmp_path}/file.db", "u64", "u64", timeout=60) as store:
        store.update((number, number) for number in range(100_000))
        store._timeout = 1e-6
        error, text = outcome(lambda: len(store))
        assert error is StoreError and "no answer within" in text
        error, text = outcome(lambda: store.update((number, 0) for number in range(9000)))
        assert error is StoreError and "no answer within" in text
        store._timeout = 60
        assert len(store) == 100_000 and store[5] == 5 and sum(store.values()) == sum(range(100_000))


# --- what is no file -------------------------------------------------------------------------------------


def test_what_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "text").write_text("x" * 5000)
    for path, part in ((tmp_path, "it is a directory"), (tmp_path / "pipe", "it is no regular file"), ("/dev/zero", "it is no regular file"),
                       (tmp_path / "text", "not a database"), (tmp_path / "text" / "x", "unable to open"),
                       (tmp_path / "no" / "folder", "unable to open")):
        error, text = outcome(lambda: connect(f"sqlite:{path}", timeout=1))
        assert error is StoreError and part in text, (path, text)


def test_a_full_disk(tmp_path):
    """What failed is said, and not what could not be undone after it."""
    with connect(f"sqlite:{tmp_path}/file.db") as store:
        store["a"] = "1"
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
        try:
            error, text = outcome(lambda: store.update((f"k{number}", "v" * 100) for number in range(9000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert error is StoreError and "rollback" not in text and "transaction" not in text, text
        assert dict(store) == {"a": "1"}
        store._connection.set_authorizer(None)
        store._connection.execute("PRAGMA max_page_count = 20")
        error, text = outcome(lambda: store.update((f"k{number}", "v" * 100) for number in range(5000)))
        assert error is StoreError and "the disk is full, or the file has reached its limit" in text
        assert dict(store) == {"a": "1"}


# --- files of an older Neap --------------------------------------------------------------------------------


def test_a_file_of_the_format_before(tmp_path):
    """It is read, and brought to this format; what it kept of NaN is NaN again."""
    path = tmp_path / "file.db"
    database(path, "PRAGMA journal_mode = WAL", ABOUT, TABLE, about=("1", "str", "f64"), application=0)
    with sqlite3.connect(path) as one:
        one.executemany("INSERT INTO neap VALUES (?, ?)", [("a", 1.5), ("nan", None)])
    one.close()
    assert outcome(lambda: connect(f"sqlite:{path}", "str", "u32"))[0] is ValueError
    for _ in range(2):
        with connect(f"sqlite:{path}", "str", "f64") as store:
            assert store["a"] == 1.5 and math.isnan(store["nan"]) and len(store) == 2
            store["other"] = math.nan
            assert math.isnan(store.pop("other"))
    with sqlite3.connect(path) as one:
        assert one.execute("PRAGMA application_id").fetchone() == (APPLICATION,)
        assert one.execute("SELECT format FROM neap_about").fetchall() == [("2",)]
    one.close()
