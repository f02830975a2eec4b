"""neap.Stream and neap.Reader, with what of them is written in Python: asynchronous iteration."""
from __future__ import annotations

from . import _stream
from ._stream import Overrun, View, WriterDied

__all__ = ["Overrun", "Reader", "Stream", "View", "WriterDied"]


class Stream(_stream.Stream):
    __doc__ = _stream.Stream.__doc__
    __slots__ = ("_gates", "__weakref__")  # _gates: where readers wait: stream_asyncio.py

    def reader(self, start: str | int = "now") -> Reader:
        """A reader from now on, from the "oldest" block there is, or from so many bytes back."""
        return Reader(self, start)

    def __reduce__(self):
        if self.name is None:
            raise TypeError("cannot pickle 'Stream' object")
        return type(self).shared, (self.name,)  # another process reads it


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
            from .stream_asyncio import next_block  # asyncio is loaded by those who use it

            block = await next_block(self)
        if not block:
            raise StopAsyncIteration
        return block


for _class in (Stream, Reader):
    _class.__module__ = "neap"
