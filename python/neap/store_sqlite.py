"""A mapping in an SQLite file: one table, with keys and values in SQLite's own types.

    neap          key PRIMARY KEY, value            WITHOUT ROWID
    neap_about    format, kind of key, kind of value

u64 is kept as a signed number and NaN as the text 'nan', because SQLite has neither. The file is in
WAL mode, so readers and a writer do not wait for each other. A completed call survives a crash of the
process. A crash of the machine may lose the last calls but does not damage the file. Threads of one
process share a connection; a forked child opens its own.

A file may come from anybody. It is looked at through a connection that can only read, and refused
unless it holds these two tables and nothing else. Afterwards an authorizer refuses every statement that
would use more than them, also a trigger or view that somebody adds later. A handler ends a statement
that takes longer than the timeout.
"""

import math
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from .store import MISSING, Store, StoreError, batches, plain
from .store_kind import FLOATS, is_kept

FORMAT = "2"
OLD_FORMAT = "1"  # NaN was kept as NULL; the file had no application_id
APPLICATION = 0x4E656170  # "Neap": tells such files from others
TABLES = {("neap", "CREATE TABLE neap (key PRIMARY KEY, value) WITHOUT ROWID"),
          ("neap_about", "CREATE TABLE neap_about (format, key, value)")}
WRAP = 1 << 64  # SQLite's integers are signed
NAN = "nan"
SCAN = 1000
VARIABLES = 500  # in one statement; every SQLite takes 999
FREED = 1000  # pages that one step of trim() removes
STEPS = 10_000  # of SQLite's machine, after which the time is looked at

# What the statements below do, and nothing else.
ON_TABLES = {sqlite3.SQLITE_READ, sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
ALONE = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION}
PRAGMAS = {"page_count", "page_size", "freelist_count", "incremental_vacuum", "wal_checkpoint", "shrink_memory",
           "data_version"}


def _may(action: int, first: str | None, second: str | None, database: str | None, source: str | None) -> int:
    """The authorizer. `source` is the trigger or view that wants to do it."""
    permitted = source is None and (
        action in ALONE or action in ON_TABLES and first in ("neap", "neap_about")
        or action == sqlite3.SQLITE_FUNCTION and second == "count" or action == sqlite3.SQLITE_PRAGMA and first in PRAGMAS)
    return sqlite3.SQLITE_OK if permitted else sqlite3.SQLITE_DENY


def _coders(kind: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    if kind == "none":
        return (lambda nothing: 0), (lambda zero: None)
    if kind == "u64":
        return ((lambda number: number - WRAP if number >= WRAP // 2 else number),
                (lambda number: number + WRAP if type(number) is int and number < 0 else number))
    if kind in FLOATS:
        return ((lambda number: NAN if number != number else number),
                (lambda number: math.nan if number is None or number == NAN else number))
    return (lambda value: value), (lambda value: value)


class _Limit:
    """Until when a statement may run. It is not the store itself, which would then wait for the garbage collector."""

    def __init__(self) -> None:
        self.ends = math.inf

    def is_over(self) -> bool:
        return time.monotonic() > self.ends


def _is_later(before: Any, after: Any) -> bool:
    """Whether SQLite sorts it so: numbers, then the text for NaN."""
    if isinstance(before, (int, float)) != isinstance(after, (int, float)):
        return isinstance(before, (int, float))
    return type(before) is type(after) and after > before


class SqliteStore(Store):
    def __init__(self, url: str, key: str, value: str | None, expect: int, timeout: float) -> None:
        super().__init__(url, key, value, (expect, timeout))
        self._path, self._timeout, self._shown_url = url.partition(":")[2], timeout, plain(url)
        self._lock = threading.RLock()
        self._limit = _Limit()
        self._process = 0
        self._connection: sqlite3.Connection | None = None
        if not self._path:
            raise ValueError("sqlite: and no path; sqlite::memory: is a store in memory")
        with self._errors():
            self._database()

    @staticmethod
    def _encoded(kind: str) -> Callable[[Any], Any]:
        return _coders(kind)[0]

    @staticmethod
    def _decoded(kind: str) -> Callable[[Any], Any]:
        out = _coders(kind)[1]

        def decoded(raw: Any) -> Any:
            value = out(raw)
            if not is_kept(kind, value):
                raise ValueError
            return value

        return decoded

    # --- errors ---

    @contextmanager
    def _errors(self) -> Iterator[None]:
        self._limit.ends = time.monotonic() + self._timeout
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._shown_url}: {self._words(error)}") from None
        except UnicodeDecodeError:  # SQLite's own words contain a damaged text
            raise StoreError(f"{self._shown_url}: it is damaged") from None

    def _words(self, error: sqlite3.Error) -> str:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return f"{plain(error)}: another process holds it for longer than {self._timeout:g} seconds"
        if code == sqlite3.SQLITE_INTERRUPT:
            return f"no answer within {self._timeout:g} seconds"
        if code == sqlite3.SQLITE_FULL:
            return "the disk is full, or the file has reached its limit: the call has changed nothing"
        if code == sqlite3.SQLITE_AUTH:
            return "somebody has added a trigger or a view to it, or other tables: it is used no longer"
        if "decode" in str(error):  # its words contain the text
            return "a text in it is not UTF-8, so another program has written it"
        return plain(error)

    def _is_not_ours(self, why: str) -> ValueError:
        return ValueError(f"{self._shown_url}: it is not the file of a store, and stays as it is: {why}")

    # --- the connection ---

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

    def _connected(self, path: str, is_uri: bool = False) -> sqlite3.Connection:
        database = sqlite3.connect(path, self._timeout, isolation_level=None, check_same_thread=False, uri=is_uri)
        database.set_progress_handler(self._limit.is_over, STEPS)
        for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            database.execute(f"PRAGMA {setting}")
        return database

    def _opened(self) -> sqlite3.Connection:
        is_new = self._path == ":memory:" or not self._look()
        database = self._connected(self._path)
        try:
            if is_new:
                database.execute("PRAGMA auto_vacuum = INCREMENTAL")  # has an effect only before the first table
            self._make_tables(database)
            self._use_wal(database)
            database.execute("PRAGMA synchronous = NORMAL")
            database.set_authorizer(_may)
        except BaseException:
            database.close()
            raise
        return database

    def _use_wal(self, database: sqlite3.Connection) -> None:
        """Changes the mode when no other process has the file open to write, which SQLite does not wait for."""
        while True:
            try:
                database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or self._limit.is_over():
                    raise
                time.sleep(0.01)

    # --- whose file it is ---

    def _look(self) -> bool:
        """Whether there is a store's file, found out without changing it. ValueError if it is something else."""
        try:
            status = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise StoreError(f"{self._shown_url}: {error.strerror}") from None
        if stat.S_ISDIR(status.st_mode):
            raise StoreError(f"{self._shown_url}: it is a directory: a store is a file in it")
        if not stat.S_ISREG(status.st_mode):
            raise StoreError(f"{self._shown_url}: it is no regular file")
        if status.st_size == 0:
            return False
        if not any(os.path.exists(self._path + end) for end in ("-wal", "-journal")):
            try:  # "immutable": there is no other process, so nothing else is read and no file is made beside it
                return self._looks_ours("mode=ro&immutable=1")
            except sqlite3.DatabaseError:
                pass  # there may be another process after all
        return self._looks_ours("mode=ro")

    def _looks_ours(self, how: str) -> bool:
        database = self._connected(f"file:{quote(os.path.abspath(self._path))}?{how}", True)
        try:
            return self._is_ours(database)
        finally:
            database.close()

    def _is_ours(self, database: sqlite3.Connection) -> bool:
        """Whether it has the tables of a store; False if it is empty."""
        schema = database.execute("SELECT type, name, sql FROM sqlite_master").fetchmany(len(TABLES) + 1)
        application = database.execute("PRAGMA application_id").fetchone()[0]
        if not schema and application in (0, APPLICATION):
            return False
        if application not in (0, APPLICATION):
            raise self._is_not_ours("it belongs to another program")
        if {row[1:] for row in schema} != TABLES or len(schema) != len(TABLES) or {row[0] for row in schema} != {"table"}:
            raise self._is_not_ours("it has other tables, or more than a store's")
        self._agree(database, application)
        return True

    def _agree(self, database: sqlite3.Connection, application: int) -> None:
        """ValueError if the tables are of another format or other kinds."""
        rows = database.execute("SELECT format, key, value FROM neap_about").fetchmany(2)
        about = rows[0] if len(rows) == 1 else (None,) * 3
        if about[0] != (FORMAT if application else OLD_FORMAT) or type(about[1]) is not str:
            raise self._is_not_ours(f"its format is not {FORMAT}")
        if about[1:] != self._kinds:
            raise ValueError(f"{self._shown_url}: it holds {plain(repr(about[1]))} to {plain(repr(about[2]))}")

    def _make_tables(self, database: sqlite3.Connection) -> None:
        """Makes the tables, or brings those of the old format to this one, or only looks at them again: they may
        have come since _look."""
        database.execute("BEGIN IMMEDIATE")
        try:
            if not self._is_ours(database):
                for _, statement in sorted(TABLES):
                    database.execute(statement)
                database.execute("INSERT INTO neap_about VALUES (?, ?, ?)", (FORMAT, *self._kinds))
                database.execute(f"PRAGMA application_id = {APPLICATION}")
            elif database.execute("PRAGMA application_id").fetchone()[0] == 0:
                database.execute("UPDATE neap_about SET format = ?", (FORMAT,))
                database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute("COMMIT")
        except BaseException:
            self._roll_back(database)
            raise

    # --- transactions ---

    @staticmethod
    def _roll_back(database: sqlite3.Connection) -> None:
        if database.in_transaction:  # not after an error for which SQLite has done so itself, as of a full disk
            database.execute("ROLLBACK")

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
                database.execute("COMMIT")
            except BaseException:
                self._limit.ends = math.inf  # an undone change is never left half undone
                self._roll_back(database)
                raise

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
                return [MISSING if row is None else row[0]]
            found: dict[Any, Any] = {}
            for batch in batches(keys, VARIABLES):
                marks = ",".join("?" * len(batch))
                found.update(database.execute(f"SELECT key, value FROM neap WHERE key IN ({marks})", batch))
            return [found.get(key, MISSING) for key in keys]

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
            return rows[0][0] if rows else MISSING

    def _remove(self, keys: list[Any]) -> int:
        if len(keys) == 1:
            with self._use() as database:
                return database.execute("DELETE FROM neap WHERE key = ?", keys).rowcount
        with self._change() as database:
            return database.executemany("DELETE FROM neap WHERE key = ?", [(key,) for key in keys]).rowcount

    def _increase(self, key: Any, amount: Any) -> Any:
        with self._change() as database:
            row = database.execute("SELECT value FROM neap WHERE key = ?", (key,)).fetchone()
            total = self._sum(MISSING if row is None else row[0], amount)
            database.execute("INSERT OR REPLACE INTO neap VALUES (?, ?)", (key, self._value_in(total)))
            return total

    def _scan(self) -> Iterator[tuple[Any, Any]]:
        """Yields the entries in the order of keys; no transaction is open between two batches."""
        with self._use() as database:
            page = database.execute("SELECT key, value FROM neap ORDER BY key LIMIT ?", (SCAN,)).fetchall()
        while page:
            yield from page
            last = page[-1][0]
            with self._use() as database:
                page = database.execute("SELECT key, value FROM neap WHERE key > ? ORDER BY key LIMIT ?",
                                        (last, SCAN)).fetchall()
            if page and not _is_later(last, page[-1][0]):  # or a damaged file would go on for ever
                raise StoreError(f"{self._shown_url}: its keys are not in order, so it is damaged")

    def __len__(self) -> int:
        with self._use() as database:
            # COUNT(*) would be one step of SQLite's machine, in which no handler looks at the time.
            return database.execute("SELECT COUNT(key) FROM neap").fetchone()[0]

    def clear(self) -> None:
        with self._use() as database:
            database.execute("DELETE FROM neap")

    # --- memory ---

    @staticmethod
    def _figure(database: sqlite3.Connection, name: str) -> int:
        return database.execute(f"PRAGMA {name}").fetchone()[0]

    def _file_bytes(self, database: sqlite3.Connection) -> int:
        return self._figure(database, "page_count") * self._figure(database, "page_size")

    @property
    def nbytes(self) -> int:
        """The size of the file."""
        with self._use() as database:
            return self._file_bytes(database)

    def trim(self) -> int:
        """Removes free pages from the file, some at a time, and frees SQLite's cache."""
        with self._use() as database:
            before, free = self._file_bytes(database), self._figure(database, "freelist_count")
        while free:
            with self._use() as database:
                database.execute(f"PRAGMA incremental_vacuum({FREED})").fetchall()
                left = self._figure(database, "freelist_count")
            if left >= free:  # another process needs pages meanwhile, or the file has no incremental vacuum
                break
            free = left
        with self._use() as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            database.execute("PRAGMA shrink_memory").fetchall()
            return max(0, before - self._file_bytes(database))
