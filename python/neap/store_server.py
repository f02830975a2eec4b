"""The servers behind a Redis store: one Redis, or the nodes of a Redis Cluster.

    RedisServers ── ask_all([(slot, command), ...]) ──> answers, in their order
          │  slots: the node of each slot, as CLUSTER SLOTS said it; MOVED corrects it
          └─ _Node: a pool of connections; a batch takes one round trip to each node

A server is not trusted. Its answers are taken for what they are (bytes, numbers, lists) and checked by
the caller. A call ends at its deadline however slowly an answer comes, and takes no more than
ANSWER_BYTES. Whatever makes the client library fail raises StoreError. No error shows the command, the
keys or values, or the password, and what a server says is shown on one line.

The package redis has a client for clusters too. It is not used, because it writes commands with their
keys and values to its log, follows any table of slots, and verifies no host names.
"""

import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

try:
    import redis
    from redis.connection import Connection, ConnectionPool, UnixDomainSocketConnection
    from redis.crc import key_slot
except ImportError as missing:
    raise ImportError("redis:// needs the package redis, 4.3 or newer: apt-get install python3-redis") from missing

from .store import StoreError, plain
from .store_url import StoreUrl

__all__ = ["RedisServers", "key_slot"]

SLOTS = 1 << 14
ANSWER_BYTES = 1 << 30  # of one call
PAUSE = 0.05  # seconds, before a cluster is asked again that is about to change
PLACE = re.compile(r"(?P<host>\[?[\w.:-]*?\]?):(?P<port>[0-9]{1,5})")  # in MOVED and ASK

Command = tuple[Any, ...]

# --- a call and its deadline ---

_call = threading.local()  # of the call that this thread makes: ends, left_bytes


class _TooMuch(OSError):
    """An answer has more bytes than a call may take."""


class _TimedSocket:
    """A socket whose answers have to come in time as a whole, and not only piece by piece."""

    def __init__(self, connected: Any) -> None:
        self._socket, self._pause = connected, connected.gettimeout()

    def settimeout(self, pause: float | None) -> None:
        self._pause = pause
        self._socket.settimeout(pause)

    def _wait_at_most(self) -> None:
        left = _call.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if self._pause != 0:  # 0: to see whether there is something
            self._socket.settimeout(left if self._pause is None else min(left, self._pause))

    def _count(self, received: int) -> None:
        _call.left_bytes -= received
        if _call.left_bytes < 0:
            raise _TooMuch

    def recv(self, *arguments: Any) -> bytes:
        self._wait_at_most()
        data = self._socket.recv(*arguments)
        self._count(len(data))
        return data

    def recv_into(self, *arguments: Any) -> int:
        self._wait_at_most()
        received = self._socket.recv_into(*arguments)
        self._count(received)
        return received

    def sendall(self, data: Any) -> None:
        self._wait_at_most()
        self._socket.sendall(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class _TcpConnection(Connection):
    def _connect(self) -> Any:
        return _TimedSocket(super()._connect())


class _UnixConnection(UnixDomainSocketConnection):
    def _connect(self) -> Any:
        return _TimedSocket(super()._connect())


class _TlsConnection(Connection):
    """With a context that verifies certificate and name; the library's own connection does not verify names."""

    def __init__(self, context: ssl.SSLContext, **options: Any) -> None:
        self._context = context
        super().__init__(**options)

    def _connect(self) -> Any:
        return _TimedSocket(self._context.wrap_socket(super()._connect(), server_hostname=self.host))


# --- one server ---


def _cause(error: BaseException, kind: type) -> Any:
    """The exception of this kind that led to `error`, or None."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, kind):
        seen = seen.__cause__ or seen.__context__
    return seen


class _Node:
    def __init__(self, servers: "RedisServers", host: str, port: int) -> None:
        self.host, self._servers = host, servers
        self._client = redis.Redis(connection_pool=ConnectionPool(**servers.options(host, port)))

    def ask(self, commands: list[Command]) -> list[Any]:
        """The answers; among them exceptions, for commands that the server refused."""
        with self._servers.errors():
            if len(commands) > 1:
                pipeline = self._client.pipeline(transaction=False)
                for command in commands:
                    pipeline.execute_command(*command)
                answers = pipeline.execute(raise_on_error=False)
                if type(answers) is list and len(answers) == len(commands):
                    return answers
                raise ValueError("another number of answers")
            try:
                return [self._client.execute_command(*commands[0])]
            except redis.exceptions.ResponseError as refusal:
                return [refusal]

    def close(self) -> None:
        self._client.connection_pool.disconnect()


def _said(refusal: Exception) -> str:
    """What the server said, with the code that the client library may have taken away."""
    codes = {"MovedError": "MOVED", "AskError": "ASK", "NoScriptError": "NOSCRIPT", "TryAgainError": "TRYAGAIN",
             "ClusterDownError": "CLUSTERDOWN", "ReadOnlyError": "READONLY", "NoPermissionError": "NOPERM",
             "AuthenticationError": "NOAUTH"}
    code, text = codes.get(type(refusal).__name__, ""), str(refusal)
    return text if not code or text.startswith(code) else f"{code} {text}"


# --- all of them ---


class RedisServers:
    """Any thread may use them. A forked child gets connections of its own."""

    def __init__(self, url: StoreUrl, timeout: float, scripts: dict[str, str]) -> None:
        self._url, self._timeout, self._scripts = url, timeout, scripts
        self._context = self._trusted() if url.scheme == "rediss" else None
        self._nodes: dict[tuple[str, int], _Node] = {}
        self._slots: list[tuple[str, int]] = []  # by slot, in a cluster
        self._first = (url.host, url.port)
        with self.call():
            about = self._answer(self._node(self._first).ask([("INFO", "cluster")])[0])
            if type(about) is not dict or about.get("cluster_enabled") not in (0, 1):
                raise self.strange("to INFO")
            self.is_cluster = about["cluster_enabled"] == 1
            if self.is_cluster and (url.db or url.scheme == "unix"):
                raise ValueError(f"{url.shown}: a Redis Cluster has the database 0 only, and no Unix sockets")
            if self.is_cluster:
                self._learn_slots()

    def _trusted(self) -> ssl.SSLContext:
        """Verifies a server's certificate and name: with the system's certificates, or those of `ca` alone."""
        try:
            return ssl.create_default_context(cafile=self._url.ca)
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"{self._url.shown}: no certificates in {plain(repr(self._url.ca))}: "
                             f"{plain(error.strerror or error)}") from None

    def options(self, host: str, port: int) -> dict[str, Any]:
        """Of a pool of connections to a server."""
        url = self._url
        options: dict[str, Any] = {"db": url.db, "username": url.user, "password": url.password,
                                   "socket_timeout": self._timeout}
        if url.scheme == "unix":
            return {**options, "connection_class": _UnixConnection, "path": url.path}
        options |= {"host": host, "port": port, "socket_connect_timeout": self._timeout}
        if self._context is None:
            return {**options, "connection_class": _TcpConnection}
        return {**options, "connection_class": _TlsConnection, "context": self._context}

    def close(self) -> None:
        for node in self._nodes.values():
            node.close()

    # --- errors ---

    @contextmanager
    def call(self) -> Iterator[None]:
        """A call of the store: whatever is asked within it has to be answered in the time that there is."""
        _call.ends, _call.left_bytes = time.monotonic() + self._timeout, ANSWER_BYTES
        yield

    def _shown(self, text: object) -> str:
        secret = self._url.password
        return plain(str(text).replace(secret, "...") if secret else text)

    def failed(self, what: str) -> StoreError:
        return StoreError(f"{self._url.shown}: {what}")

    def strange(self, what: str) -> StoreError:
        return self.failed(f"an answer {what} that no Redis gives")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns whatever goes wrong in the client library into StoreError."""
        try:
            yield
        except StoreError:
            raise
        except redis.exceptions.ResponseError as refusal:  # while it connected
            raise self._refused(refusal) from None
        except redis.exceptions.AuthenticationError as refusal:
            raise self._refused(refusal) from None
        except redis.exceptions.BusyLoadingError:
            raise self.failed("it is still loading its data: try again later") from None
        except redis.exceptions.InvalidResponse:
            raise self.strange("to a command") from None
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
            raise self._unreached(error) from None
        except Exception:  # RecursionError, UnicodeDecodeError, ValueError and others, of answers that make no sense
            raise self.strange("to a command") from None

    def _unreached(self, error: Exception) -> StoreError:
        self._slots = []  # the node may be gone for good: ask the cluster again next time
        distrust = _cause(error, ssl.SSLCertVerificationError)
        if distrust:
            return self.failed(f"its certificate is not accepted: {self._shown(distrust.verify_message)}; the option "
                               "ca=FILE says whose certificates are")
        if _cause(error, ssl.SSLError):
            return self.failed(f"no TLS connection: does it speak TLS at this port? {self._shown(error)}")
        if _cause(error, _TooMuch):
            return self.failed(f"an answer of more than {ANSWER_BYTES} bytes")
        if isinstance(error, redis.exceptions.TimeoutError) or _cause(error, TimeoutError):
            return self.failed(f"no answer within {self._timeout:g} seconds: is it running?")
        return self.failed(f"no answer: is it running? {self._shown(error)}")

    def _refused(self, refusal: Exception) -> StoreError:
        said = _said(refusal).partition(", with args beginning with")[0]  # there it repeats keys and values
        code = said.partition(" ")[0]
        if code == "NOAUTH":
            return self.failed("it wants a password, or another one: redis://user:password@host")
        if code == "WRONGPASS" or said == "invalid password":
            return self.failed("user name or password are wrong")
        if said.startswith("AUTH ") or said.startswith("Client sent AUTH"):
            return self.failed("it has no password, and the URL has one")
        return self.failed(f"it refused: {self._shown(said)}")

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, Exception):
            raise self._refused(answer)
        return answer

    # --- nodes and slots ---

    def _node(self, place: tuple[str, int]) -> _Node:
        if place not in self._nodes:
            self._nodes[place] = _Node(self, *place)
        return self._nodes[place]

    def _place(self, host: Any, port: Any, asked: str) -> tuple[str, int]:
        """A checked address; an empty host is that of the node that was asked."""
        name = host.decode("ascii", "replace") if type(host) is bytes else host or ""
        if type(name) is not str or not re.fullmatch(r"[\w.:-]{0,253}", name) or type(port) is not int or not 0 < port < 1 << 16:
            raise self.strange("with the address of a node")
        return (asked if name in ("", "?") else name), port

    def _learn_slots(self) -> None:
        """Asks a node that answers for the table of slots."""
        places = [self._first, *(place for place in self._nodes if place != self._first)]
        for number, place in enumerate(places, 1):
            try:
                rows = self._answer(self._node(place).ask([("CLUSTER", "SLOTS")])[0])
                break
            except StoreError:
                if number == len(places):
                    raise
        slots: list[Any] = [None] * SLOTS
        for row in rows if type(rows) is list and len(rows) <= SLOTS else [None]:
            if type(row) is not list or len(row) < 3 or type(row[2]) is not list or len(row[2]) < 2:
                raise self.strange("to CLUSTER SLOTS")
            first, last = row[:2]
            if type(first) is not int or type(last) is not int or not 0 <= first <= last < SLOTS:
                raise self.strange("to CLUSTER SLOTS")
            slots[first:last + 1] = [self._place(*row[2][:2], place[0])] * (last + 1 - first)
        self._slots = slots

    def _place_of(self, slot: int) -> tuple[str, int]:
        if not self.is_cluster:
            return self._first
        if not self._slots:
            self._learn_slots()
        place = self._slots[slot]
        if place is None:
            self._slots = []
            raise self.failed("no node of the cluster has all of the data: see CLUSTER INFO")
        return place

    def all_nodes(self) -> list[_Node]:
        """Those that have data."""
        if not self.is_cluster:
            return [self._node(self._first)]
        if not self._slots:
            self._learn_slots()
        return [self._node(place) for place in dict.fromkeys(self._slots) if place is not None]

    # --- asking ---

    def ask_all(self, commands: list[tuple[int, Command]]) -> list[Any]:
        """Sends each command to the node of its slot; the answers, or StoreError for the first that was refused."""
        answers: list[Any] = [None] * len(commands)
        left = list(range(len(commands)))
        refusal: Exception | None = None
        while left:
            groups: dict[tuple[str, int], list[int]] = {}
            for number in left:
                groups.setdefault(self._place_of(commands[number][0]), []).append(number)
            left = []
            for place, numbers in groups.items():
                found = self._node(place).ask([commands[number][1] for number in numbers])
                for number, answer in zip(numbers, found):
                    if isinstance(answer, Exception):
                        again, answer = self._once_more(place, *commands[number], answer)
                        if again:
                            left.append(number)
                            continue
                    if isinstance(answer, Exception):
                        refusal = refusal or answer
                    answers[number] = answer
        if refusal:
            raise self._refused(refusal)
        return answers

    def _once_more(self, place: tuple[str, int], slot: int, command: Command, refusal: Any) -> tuple[bool, Any]:
        """Whether to ask again, after this; if not, the answer."""
        code, _, rest = _said(refusal).partition(" ")
        if code == "NOSCRIPT" and command[0] == "EVALSHA":
            return self._load_script(self._node(place), command), refusal
        if not self.is_cluster or code not in ("MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"):
            return False, refusal
        if time.monotonic() > _call.ends:
            return False, refusal
        if code in ("TRYAGAIN", "CLUSTERDOWN"):
            time.sleep(PAUSE)
            self._slots = []
            return True, None
        target = PLACE.fullmatch(rest.rpartition(" ")[2])
        if not target:
            raise self.strange("with the address of a node")
        moved_to = self._place(target["host"].strip("[]"), int(target["port"]), place[0])
        if code == "MOVED":
            if len(self._slots) == SLOTS:
                self._slots[slot] = moved_to
            return True, None
        asked = self._node(moved_to).ask([("ASKING",), command])[1]
        if isinstance(asked, redis.exceptions.NoScriptError):
            self._load_script(self._node(moved_to), command)
            asked = self._node(moved_to).ask([("ASKING",), command])[1]
        if isinstance(asked, Exception) and _said(asked).startswith("TRYAGAIN"):
            time.sleep(PAUSE)
            return True, None
        return False, asked

    def _load_script(self, node: _Node, command: Command) -> bool:
        """Teaches the server the script that it does not know, as after a restart."""
        if time.monotonic() > _call.ends:
            return False
        self._answer(node.ask([("SCRIPT", "LOAD", self._scripts[command[1]])])[0])
        return True
