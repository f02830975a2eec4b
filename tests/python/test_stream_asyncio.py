"""Streams in event loops: readers that wait, one wake-up for all of them, ingest from a connection."""
import asyncio
import gc
import threading
import weakref

import pytest

import neap
from neap import stream_asyncio


async def collect(reader):
    return [block async for block in reader]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def test_blocks_come_as_they_are_complete():
    async def main():
        stream = neap.Stream(4, 8)
        tasks = [asyncio.create_task(collect(stream.reader())) for _ in range(3)]
        await settle()
        for piece in (b"ab", b"cdef", b"g", b"hijklmn"):
            stream.write(piece)
            await settle()
        stream.close()
        assert await asyncio.gather(*tasks) == [[b"abcd", b"efgh", b"ijkl", b"mn"]] * 3

    asyncio.run(main())


def test_one_wake_up_for_all(monkeypatch):
    opened = []
    monkeypatch.setattr(stream_asyncio.Gate, "open", lambda gate, own=stream_asyncio.Gate.open: (opened.append(1), own(gate)))

    async def main():
        stream = neap.Stream(4, 8)
        tasks = [asyncio.create_task(collect(stream.reader())) for _ in range(100)]
        await settle()
        stream.write(b"12")
        assert not opened  # no block is complete: nobody is disturbed
        stream.write(b"3")
        stream.write(b"4")
        assert len(opened) == 1
        await settle()
        stream.close()
        assert len(opened) == 2
        assert await asyncio.gather(*tasks) == [[b"1234"]] * 100

    asyncio.run(main())


def test_a_writer_in_another_thread():
    async def main():
        stream = neap.Stream(100, 2000)
        data = bytes(i * 7 % 251 for i in range(100000))
        tasks = [asyncio.create_task(collect(stream.reader("oldest"))) for _ in range(5)]

        def write():
            for at in range(0, len(data), 77):
                stream.write(data[at:at + 77])
            stream.close()

        thread = threading.Thread(target=write)
        await settle()
        thread.start()
        for blocks in await asyncio.wait_for(asyncio.gather(*tasks), 30):
            assert b"".join(blocks) == data
        thread.join()

    asyncio.run(main())


def test_cancelling_one_leaves_the_others():
    async def main():
        stream = neap.Stream(4, 8)
        tasks = [asyncio.create_task(collect(stream.reader())) for _ in range(3)]
        await settle()
        tasks[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await tasks[1]
        assert not tasks[0].done()
        stream.write(b"1234")
        stream.close()
        assert await asyncio.gather(tasks[0], tasks[2]) == [[b"1234"]] * 2

    asyncio.run(main())


def test_one_loop_after_another():
    stream = neap.Stream(4, 8)

    async def first_block():
        task = asyncio.create_task(stream.reader().__anext__())
        await settle()
        stream.write(b"1234")
        return await task

    async def leave_one_waiting():
        asyncio.create_task(stream.reader().__anext__())
        await settle()

    for _ in range(3):
        assert asyncio.run(first_block()) == b"1234"
        asyncio.run(leave_one_waiting())  # its loop is closed when the next write rings
    gone = weakref.ref(stream)
    del first_block, leave_one_waiting  # they hold it
    stream = None
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("block_bytes, count", [(1000, 64), (7, 3), (100000, 2)])
def test_ingest(block_bytes, count):
    data = bytes(i * 11 % 241 for i in range(300000))

    async def main():
        stream = neap.Stream(block_bytes, count)
        reader, got = stream.reader(), bytearray()

        class Checked(neap.StreamProtocol):
            def buffer_updated(self, nbytes):
                super().buffer_updated(nbytes)
                got.extend(reader.read())

        server = await asyncio.get_running_loop().create_server(
            lambda: Checked(stream, 5000, close=True), "127.0.0.1", 0)
        async with server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            for at in range(0, len(data), 7777):
                writer.write(data[at:at + 7777])
                await writer.drain()
            writer.close()
            await writer.wait_closed()
            while not stream.closed:
                await asyncio.sleep(0.001)
        assert bytes(got) == data and reader.missed == 0 and reader.ended

    asyncio.run(main())
