"""A radio station in a few lines: one ring for the audio, and an offset for each listener.

    python3 station.py 8000 &
    ffmpeg -re -i music.mp3 -c copy -f mp3 tcp://127.0.0.1:8001      the source: plain bytes to the next port
    mpv http://127.0.0.1:8000/

It is the design that `neap cast` is built on. The memory is that of the ring, however many listen.
"""
import asyncio
import contextlib
import sys

import neap


async def listener(reader, writer, stream):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):  # who leaves, leaves
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n")
        async for block in stream.reader():
            writer.write(block)
            await writer.drain()
    writer.close()


async def main(port):
    stream = neap.Stream(4096, 64)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: neap.StreamProtocol(stream), "127.0.0.1", port + 1)
    server = await asyncio.start_server(lambda reader, writer: listener(reader, writer, stream), "127.0.0.1", port)
    print("listen at http://127.0.0.1:%d/, send to tcp://127.0.0.1:%d" % (port, port + 1), flush=True)
    await server.serve_forever()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8000))
