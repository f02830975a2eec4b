"""Streams in event loops: how readers wait for a block, and a protocol that writes to a stream.

    reader ─┐            writer in this process: the stream calls the gate once
    reader ─┼─> gate <── writer in another process: one thread waits for all readers
    reader ─┘
              There is one gate for each stream and loop, so a block causes one wake-up.

The next reader that has to wait arms the gate again. So a stream without waiting readers costs
its writer nothing.
"""
from __future__ import annotations

import asyncio
import threading

from .streams import Reader, Stream

LOOK_SECONDS = 0.25  # how long the watching thread continues after the last reader has waited


class Gate:
    """Where all readers of one stream in one loop wait for its next block."""

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        self.stream, self.loop = stream, loop
        self.waiters: set[asyncio.Future[None]] = set()
        self.armed = False  # the stream or the watching thread will call ring
        self.ringing = False  # ring has scheduled open, which has not run yet
        self.watched = False  # there is a watching thread
        self.lock = threading.Lock()  # protects `ringing` and `watched`

    def enter(self) -> asyncio.Future[None]:
        """Returns a future that ends at the next change of the stream."""
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
        """Wakes all waiting readers. Called in the loop."""
        self.armed = self.ringing = False
        waiters, self.waiters = self.waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def ring(self) -> None:
        """Called when the stream has changed, in any thread."""
        if asyncio._get_running_loop() is self.loop:
            self.open()
        elif not self.ringing:
            self.ringing = True
            try:
                self.loop.call_soon_threadsafe(self.open)
            except RuntimeError:
                pass  # the loop was closed, so there are no readers

    # --- a writer in another process -------------------------------------------------

    def watch(self) -> None:
        with self.lock:
            if self.watched:
                return
            self.watched = True
        arguments = {"target": self.sleep, "args": (Reader(self.stream),), "name": "neap-stream"}
        try:
            thread = threading.Thread(daemon=True, **arguments)
        except RuntimeError:  # an interpreter without daemon threads
            thread = threading.Thread(**arguments)
        thread.start()

    def sleep(self, reader: Reader) -> None:
        """The watching thread. It ends when no reader has waited for a while, or the stream has ended."""
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
    """Returns the next block of an asynchronous iteration; b"" at the end."""
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
            block = reader.read_block()  # after entering, so that a later change opens the gate
            if block is not None:
                return block
            await waiter
        finally:
            gate.leave(waiter)


class StreamProtocol(asyncio.BufferedProtocol):
    """A protocol that receives the data of a connection directly into the ring of a stream.

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
        self.stream._commit_received(nbytes)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.close:
            self.stream.close()
