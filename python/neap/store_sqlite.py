"""A mapping in an SQLite file: one table, with keys and values in SQLite's own types.

    neap          key PRIMARY KEY, value            WITHOUT ROWID
    neap_about    format, kind of key, kind of value

The file is in WAL mode, so readers and a writer do not wait for each other. A completed call
survives a crash of the process. A crash of the machine may lose the last calls but does not damage
the file. Threads of one process share a connection; a forked child opens its own.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .store import Store, StoreError, batches
from .store_kind import RANGES

FORMAT = "1"
WRAP = 1 << 64  # SQLite's integers are signed
SCAN = 1000
VARIABLES = 500  # in one statement; every SQLite takes 999


def _unsigned_in(number: int) -> int:
    return number - WRAP if number >= WRAP // 2 else number


def _unsigned_out(number: int) -> int:
    return number + WRAP if number < 0 else number


def _same(value: Any) -> Any:
    return value


class SqliteStore(Store):
    def __init__(self, url: str, key: str, value: str | None, expect: int, timeout: float) -> None:
        super().__init__(url, key, value, (expect, timeout))
        self._path, self._timeout, self._shown_url = url.partition(":")[2], timeout, url
        self._lock = threading.RLock()
        self._process = 0
        self._connection: sqlite3.Connection | None = None
        if not self._path:
            raise ValueError("sqlite: and no path; sqlite::memory: is a store in memory")
        with self._errors():
            self._database()

    @staticmethod
    def _encoded(kind: str) -> Callable[[Any], Any]:
        if kind == "none":
            return lambda nothing: 0
        return _unsigned_in if kind == "u64" else _same

    @staticmethod
    def _decoded(kind: str) -> Callable[[Any], Any]:
        if kind == "none":
            return lambda zero: None
        return _unsigned_out if kind == "u64" else _same

    # --- the connection ---

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            hint = ": another process holds it" if "locked" in str(error) else ""
            raise StoreError(f"{self._shown_url}: {error}{hint}") from error

    def _database(self) -> sqlite3.Connection:
        """The connection of this process. The caller holds the lock, except at the first call."""
        if self._process != os.getpid():  # the connection belongs to the parent: do not even close it
            self._inherited = self._connection
            if self._connection is not None and self._path == ":memory:":
                raise StoreError(f"{self._shown_url}: it is in the memory of the parent process")
            self._connection = self._opened()
            self._process = os.getpid()
        if self._connection is None:
            raise ValueError("the store is closed")
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has an effect only before the first table
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            self._make_tables(database)
        except BaseException:
            database.close()
            raise
        return database

    def _make_tables(self, database: sqlite3.Connection) -> None:
        database.execute("BEGIN IMMEDIATE")
        try:
            database.execute("CREATE TABLE IF NOT EXISTS neap_about (format, key, value)")
            database.execute("CREATE TABLE IF NOT EXISTS neap (key PRIMARY KEY, value) WITHOUT ROWID")
            about = database.execute("SELECT format, key, value FROM neap_about").fetchone()
            if about is None:
                about = (FORMAT, *self._kinds)
                database.execute("INSERT INTO neap_about VALUES (?, ?, ?)", about)
            database.execute("COMMIT")
        except BaseException:
            database.execute("ROLLBACK")
            raise
        if about != (FORMAT, *self._kinds):
            raise ValueError(f"{self._shown_url}: it holds {about[1]!r} to {about[2]!r}, format {about[0]}")

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._errors():
            yield self._database()

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        """A transaction."""
        with self._use() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
            except BaseException:
                database.execute("ROLLBACK")
                raise
            database.execute("COMMIT")

    def close(self) -> None:
        with self._lock, self._errors():
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection, self._process = None, os.getpid()

    # --- entries ---

    def _fetch(self, keys: list[Any]) -> list[Any]:
        with self._use() as database:
            if len(keys) == 1:
                row = database.execute("SELECT value FROM neap WHERE key = ?", keys).fetchone()
                return [None if row is None else row[0]]
            found: dict[Any, Any] = {}
            for batch in batches(keys, VARIABLES):
                marks = ",".join("?" * len(batch))
                found.update(database.execute(f"SELECT key, value FROM neap WHERE key IN ({marks})", batch))
            return [found.get(key) for key in keys]

    def _put(self, pairs: list[tuple[Any, Any]]) -> None:
        statement = "INSERT INTO neap VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        if len(pairs) == 1:
            with self._use() as database:
                database.execute(statement, pairs[0])
        elif pairs:
            with self._change() as database:
                database.executemany(statement, pairs)

    def _put_if_absent(self, key: Any, value: Any) -> Any:
        with self._change() as database:
            database.execute("INSERT INTO neap VALUES (?, ?) ON CONFLICT (key) DO NOTHING", (key, value))
            return database.execute("SELECT value FROM neap WHERE key = ?", (key,)).fetchone()[0]

    def _take(self, key: Any) -> Any:
        with self._use() as database:
            rows = database.execute("DELETE FROM neap WHERE key = ? RETURNING value", (key,)).fetchall()
            return rows[0][0] if rows else None

    def _remove(self, keys: list[Any]) -> int:
        if len(keys) == 1:
            with self._use() as database:
                return database.execute("DELETE FROM neap WHERE key = ?", keys).rowcount
        with self._change() as database:
            return database.executemany("DELETE FROM neap WHERE key = ?", [(key,) for key in keys]).rowcount

    def _increase(self, key: Any, amount: Any) -> Any:
        with self._change() as database:
            row = database.execute("SELECT value FROM neap WHERE key = ?", (key,)).fetchone()
            number = 0 if row is None else self._value_out(row[0])
            if self._kinds[1] in RANGES and not hasattr(amount, "__index__"):
                raise TypeError(f"kind '{self._kinds[1]}' takes int, not '{type(amount).__name__}'")
            total = self._value_checked(number + amount)
            database.execute("INSERT OR REPLACE INTO neap VALUES (?, ?)", (key, self._value_in(total)))
            return total

    def _scan(self) -> Iterator[tuple[Any, Any]]:
        """Yields the entries in the order of keys; no transaction is open between two batches."""
        with self._use() as database:
            page = database.execute("SELECT key, value FROM neap ORDER BY key LIMIT ?", (SCAN,)).fetchall()
        while page:
            yield from page
            with self._use() as database:
                page = database.execute("SELECT key, value FROM neap WHERE key > ? ORDER BY key LIMIT ?",
                                        (page[-1][0], SCAN)).fetchall()

    def __len__(self) -> int:
        with self._use() as database:
            return database.execute("SELECT COUNT(*) FROM neap").fetchone()[0]

    def clear(self) -> None:
        with self._use() as database:
            database.execute("DELETE FROM neap")

    # --- memory ---

    def _file_bytes(self, database: sqlite3.Connection) -> int:
        pages, bytes_each = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return pages * bytes_each

    @property
    def nbytes(self) -> int:
        """The size of the file."""
        with self._use() as database:
            return self._file_bytes(database)

    def trim(self) -> int:
        """Removes free pages from the file, and frees SQLite's cache."""
        with self._use() as database:
            before = self._file_bytes(database)
            database.execute("PRAGMA incremental_vacuum").fetchall()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            database.execute("PRAGMA shrink_memory").fetchall()
            return before - self._file_bytes(database)
