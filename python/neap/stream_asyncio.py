"""What readers in event loops wait at, and what feeds a stream from one.

    reader ─┐            writes in this process: the stream calls the gate once
    reader ─┼─> gate <── writes in another: a thread sleeps on the stream for all of them
    reader ─┘
              one gate for each stream and loop, so one wake-up, however many readers

A gate that was passed is armed again by the next reader that has to wait: a stream on which
nobody waits costs its writer nothing.
"""
from __future__ import annotations

import asyncio
import threading

from .streams import Reader, Stream

LOOK_SECONDS = 0.25  # how long a watching thread outlives the last reader that waited


class Gate:
    """Where all readers of one stream in one loop wait for its next block."""

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        self.stream, self.loop = stream, loop
        self.waiters: set[asyncio.Future[None]] = set()
        self.armed = False  # the stream will call ring, or a thread will
        self.ringing = False  # ring has called open, which has not run yet
        self.watched = False  # there is such a thread
        self.lock = threading.Lock()  # between the loop and that thread: the last two

    def enter(self) -> asyncio.Future[None]:
        """A future that ends when something has changed since now."""
        waiter = self.loop.create_future()
        self.waiters.add(waiter)
        if not self.armed:
            self.armed = True
            if self.stream.writable:
                self.stream._on_change(self.ring)
            else:
                self.watch()
        return waiter

    def leave(self, waiter: asyncio.Future[None]) -> None:
        self.waiters.discard(waiter)
        waiter.cancel()

    def open(self) -> None:
        """In the loop: lets everybody pass."""
        self.armed = self.ringing = False
        waiters, self.waiters = self.waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def ring(self) -> None:
        """In any thread: the stream has changed."""
        if asyncio._get_running_loop() is self.loop:
            self.open()
        elif not self.ringing:
            self.ringing = True
            try:
                self.loop.call_soon_threadsafe(self.open)
            except RuntimeError:
                pass  # the loop was closed, and its readers are no more

    # --- a writer in another process -------------------------------------------------

    def watch(self) -> None:
        with self.lock:
            if self.watched:
                return
            self.watched = True
        arguments = {"target": self.sleep, "args": (Reader(self.stream),), "name": "neap-stream"}
        try:
            thread = threading.Thread(daemon=True, **arguments)
        except RuntimeError:  # an interpreter that has no such threads
            thread = threading.Thread(**arguments)
        thread.start()

    def sleep(self, reader: Reader) -> None:
        """The thread: until nobody has waited for a while, or the stream ended."""
        while True:
            changed = reader.wait(LOOK_SECONDS)
            with self.lock:
                if self.stream.state != "live" or not (changed or self.waiters) or self.loop.is_closed():
                    self.watched = False
                    break
            if changed:
                reader = Reader(self.stream)  # from now on: what came until now is told
                self.ring()
        self.ring()


async def next_block(reader: Reader) -> bytes:
    """What the next block of an asynchronous iteration is, b"" at the end."""
    stream, loop = reader.stream, asyncio.get_running_loop()
    gates = getattr(stream, "_gates", None)
    if gates is None:
        gates = stream._gates = {}
    if loop not in gates:
        for closed in [other for other in gates if other.is_closed()]:
            del gates[closed]
        gates[loop] = Gate(stream, loop)
    gate = gates[loop]
    while True:
        waiter = gate.enter()
        try:
            block = reader.read_block()  # after entering: what comes from now on opens the gate
            if block is not None:
                return block
            await waiter
        finally:
            gate.leave(waiter)


class StreamProtocol(asyncio.BufferedProtocol):
    """Feeds what a connection receives into a stream, right into its ring.

        await loop.create_connection(lambda: neap.StreamProtocol(stream), host, port)
    """

    def __init__(self, stream: Stream, max_bytes: int = 65536, *, close: bool = False) -> None:
        self.stream, self.max_bytes, self.close = stream, max_bytes, close
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.stream.claim(self.max_bytes if sizehint <= 0 else min(sizehint, self.max_bytes))

    def buffer_updated(self, nbytes: int) -> None:
        self.stream.commit(nbytes)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.close:
            self.stream.close()
