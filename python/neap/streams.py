"""neap.Stream and neap.Reader; their asynchronous iteration is written in Python."""
from __future__ import annotations

from . import _stream
from ._stream import Overrun, View, WriterDied

__all__ = ["Overrun", "Reader", "Stream", "View", "WriterDied"]


class Stream(_stream.Stream):
    __doc__ = _stream.Stream.__doc__
    __slots__ = ("_gates", "__weakref__")  # _gates: see stream_asyncio.py

    def reader(self, start: str | int = "now") -> Reader:
        """A reader that starts at "now", at the "oldest" block, or a number of bytes before now."""
        return Reader(self, start)

    def __reduce__(self):
        if self.name is None:
            raise TypeError("cannot pickle 'Stream' object")
        return _shared, (type(self), self.name, self._owner)  # the other process can read it


def _shared(kind: type[Stream], name: str, owner: int | None) -> Stream:
    return kind.shared(name, owner=owner)


class Reader(_stream.Reader):
    __doc__ = _stream.Reader.__doc__
    __slots__ = ()

    def __reduce__(self):
        raise TypeError("cannot pickle 'Reader' object")

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> bytes:
        block = self.read_block()
        if block is None:
            from .stream_asyncio import next_block  # loads asyncio only when it is needed

            block = await next_block(self)
        if not block:
            raise StopAsyncIteration
        return block


for _class in (Stream, Reader):
    _class.__module__ = "neap"
