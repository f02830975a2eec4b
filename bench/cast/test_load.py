"""The load generator finds what it has to: a server of a few lines sends right and wrong streams.

`/usr/bin/python3 bench/cast/test_load.py` takes a minute, and needs neither Icecast nor neap-cast. The
stream is made anew here from its description in record_stream.h, so that an error in it is not made on both
sides.
"""
import base64
import random
import socket
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from load import Load, compile_programs  # noqa: E402

WORD = 2 ** 64 - 1
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"
FOLDER = tempfile.TemporaryDirectory(prefix="neap-bench-")


def mix(x):
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9 & WORD
    x = (x ^ x >> 27) * 0x94d049bb133111eb & WORD
    return x ^ x >> 31


def record(n):
    words = [n] + [mix(n * 8 + i & WORD) for i in range(2, 8)]
    return b"\x9eneap\r\n\x1a" + b"".join(word.to_bytes(8, "little") for word in words)


def stream(begin, end):
    """The bytes at positions begin … end - 1."""
    whole = b"".join(record(n) for n in range(begin // 64, -(-end // 64)))
    return whole[begin % 64:begin % 64 + end - begin]


class FakeServer:
    """Gives each connection to a function, in a thread of its own."""

    def __init__(self, serve):
        self.serve, self.socket, self.ended = serve, socket.create_server(("127.0.0.1", 0), backlog=512), False
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.attend, args=(connection,), daemon=True).start()

    def attend(self, connection):
        with connection:
            try:
                self.serve(connection)
            except OSError:
                pass  # the client has left

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    return head.decode()


def send_in_pieces(connection, content, chance, pause_s=0.0):
    at = 0
    while at < len(content):
        size = chance.choice((1, 7, 63, 64, 65, 500, 1400, 9000))
        connection.sendall(content[at:at + size])
        at += size
        time.sleep(pause_s)


def hear(content, seed=0, head=HEAD, pause_s=0.0, hold_s=0.2, **options):
    """What a listener reports of a server that sends `content` in pieces and closes."""
    def serve(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_head(connection)
        send_in_pieces(connection, head + content, random.Random(seed), pause_s)
        time.sleep(hold_s)

    with FakeServer(serve) as server, Load(FOLDER.name, server.port) as load:
        options = {"verify": 1, "count": 1, "seconds": 30, **options}
        program = load.listeners("/live.mp3", options.pop("count"), **options)
        time.sleep(max(0.5, hold_s) + len(content) * pause_s / 1000)
        return program.end()


class Checking(unittest.TestCase):
    """What is said of the bytes of one listener."""

    def judge(self, content, corrupt=0, skipped=0, skips=0, unseen=63, **options):
        report = hear(content, **options)
        self.assertEqual((report["corrupt"], report["skipped"], report["skips"]), (corrupt, skipped, skips))
        self.assertEqual(report["bytes"], len(content))
        self.assertLessEqual(report["bytes"] - report["verified"] - report["corrupt"], unseen)
        self.assertEqual(report["disconnected"], 1)
        return report

    def test_every_start_within_a_record_is_found(self):
        for offset in (0, 1, 7, 8, 15, 16, 40, 63):
            with self.subTest(offset=offset):
                self.judge(stream(6400 + offset, 40_000), seed=offset)

    def test_a_flipped_byte_is_corrupt_wherever_it_stands(self):
        for at in (0, 5, 12, 30, 63, 64, 3210, 12_345):
            with self.subTest(at=at):
                content = bytearray(stream(6400, 30_000))
                content[at] ^= 1
                self.judge(bytes(content), corrupt=1, seed=at)

    def test_two_flipped_bytes_are_two(self):
        content = bytearray(stream(6400, 30_000))
        content[7000] ^= 1
        content[7100] ^= 128
        self.judge(bytes(content), corrupt=2)

    def test_a_jump_forward_is_skipped_with_its_bytes(self):
        for at, gap in ((6400, 64), (6400, 6400), (6411, 1), (6463, 63), (6401, 65), (9999, 123_457), (9990, 50_000)):
            with self.subTest(at=at, gap=gap):
                self.judge(stream(1003, at) + stream(at + gap, at + gap + 20_000), skipped=gap, skips=1, seed=at)

    def test_two_jumps_are_two(self):
        self.judge(stream(0, 5000) + stream(7000, 9000) + stream(9001, 15_000), skipped=2001, skips=2)

    def test_bytes_that_come_twice_are_corrupt(self):
        for again in (1, 64, 100, 4000):
            with self.subTest(again=again):
                report = hear(stream(0, 9000) + stream(9000 - again, 20_000))
                self.assertEqual((report["corrupt"], report["skipped"]), (again, 0))

    def test_a_byte_too_many_is_corrupt(self):
        report = hear(stream(0, 9000) + b"x" + stream(9000, 20_000))
        self.assertGreaterEqual(report["corrupt"], 1)
        self.assertEqual(report["skipped"], 0)

    def test_bytes_of_no_stream_are_corrupt(self):
        report = hear(stream(0, 9000) + bytes(5000) + stream(14_000, 20_000))
        self.assertGreaterEqual(report["corrupt"], 4900)
        report = hear(bytes(range(256)) * 40)
        self.assertGreaterEqual(report["corrupt"], 9900)
        self.assertEqual(report["verified"], 0)

    def test_titles_are_stripped_and_counted(self):
        head = b"ICY 200 OK\r\nContent-Type: audio/mpeg\r\nICY-MetaInt:777\r\n\r\n"
        audio, sent = stream(100, 60_000), b""
        for number, at in enumerate(range(0, len(audio), 777)):
            title = b"StreamTitle='%d';" % number if number % 3 == 0 else b""
            size = -(-len(title) // 16)
            block = bytes([size]) + title.ljust(size * 16, b"\0")
            sent += audio[at:at + 777] + (block if at + 777 <= len(audio) else b"")
        report = hear(sent, head=head, icy=True)
        self.assertEqual((report["corrupt"], report["skipped"], report["bytes"]), (0, 0, len(audio)))
        self.assertEqual(report["titles"], len(range(0, len(audio) // 777, 3)))
        self.assertEqual(report["verified"], len(audio) - (60_000 % 64))

    def test_titles_that_were_not_asked_for_are_corrupt(self):
        self.assertGreater(hear(stream(0, 777) + b"\1" + bytes(16) + stream(777, 9000))["corrupt"], 0)


class Draining(unittest.TestCase):
    """Listeners that are not sampled see only their first record and the last seconds."""

    def drain(self, content):
        def serve(connection):
            read_head(connection)
            connection.sendall(HEAD + content[:1000])
            for at in range(1000, len(content), 10_000):
                time.sleep(0.02)
                connection.sendall(content[at:at + 10_000])
            time.sleep(10)

        with FakeServer(serve) as server, Load(FOLDER.name, server.port) as load:
            program = load.listeners("/live.mp3", 2, verify=2, seconds=60)
            time.sleep(1)
            return program.end()

    def test_a_drained_listener_is_verified_at_both_ends(self):
        report = self.drain(stream(77, 1_500_077))
        self.assertEqual((report["corrupt"], report["skipped"], report["behind"]), (0, 0, 0))
        self.assertEqual(report["bytes"], 3_000_000)
        self.assertTrue(1_501_000 < report["verified"] < 2_999_000, report["verified"])

    def test_what_is_lost_while_draining_is_skipped(self):
        report = self.drain(stream(0, 100_000) + stream(130_001, 1_500_000))
        self.assertEqual((report["corrupt"], report["skipped"], report["skips"]), (0, 60_002, 2))

    def test_what_is_heard_twice_while_draining_is_corrupt(self):
        self.assertEqual(self.drain(stream(0, 100_000) + stream(90_000, 1_500_000))["corrupt"], 20_000)


class Crowding(unittest.TestCase):
    """What is said of many listeners."""

    def crowd(self, serve, patience_s, count, **options):
        with FakeServer(serve) as server, Load(FOLDER.name, server.port) as load:
            program = load.listeners("/live.mp3", count, **options)
            return program.finish(patience_s), program.lines

    @staticmethod
    def broadcast(connection, seconds=20.0):
        read_head(connection)
        connection.sendall(HEAD[:20])
        time.sleep(0.01)
        connection.sendall(HEAD[20:])
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            at = int((time.monotonic()) * 1000) * 64
            connection.sendall(stream(at, at + 640))
            time.sleep(0.05)

    def test_refusals_are_counted_by_status(self):
        def refuse(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 403 Too many\r\n\r\n")

        report, _ = self.crowd(refuse, 10, 7, once=True)
        self.assertEqual((report["refused"], report["connected"]), ({"403": 7}, 0))

    def test_chunks_are_refused_and_not_taken_for_audio(self):
        def chunked(connection):
            read_head(connection)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + stream(0, 64))

        report, _ = self.crowd(chunked, 10, 2, once=True, http11=True)
        self.assertEqual((report["chunked"], report["connected"]), (2, 0))

    def test_no_server_is_an_error_by_name(self):
        with Load(FOLDER.name, 1) as load:
            report = load.listeners("/live.mp3", 3, once=True).finish(10)
        self.assertEqual(report["failed"], {"Connection refused": 3})

    def test_all_streaming_is_told(self):
        report, lines = self.crowd(self.broadcast, 20, 40, once=True)
        self.assertEqual((lines, report["heard"], report["connected"]), (["streaming"], 40, 40))
        self.assertGreater(report["all_streaming_ms"], 0)

    def test_several_threads_share_the_listeners(self):
        report, _ = self.crowd(self.broadcast, 20, 41, threads=3, once=True, pending=5)
        self.assertEqual(report["heard"], 41)

    def test_stalled_listeners_read_nothing(self):
        report, _ = self.crowd(self.broadcast, 20, 5, stalled=3, seconds=2)
        self.assertEqual((report["heard"], report["connected"], report["disconnected"]), (2, 5, 0))
        self.assertGreater(report["receive_memory"], 3 * 640)

    def test_churn_replaces_the_oldest_and_rests_once(self):
        with FakeServer(self.broadcast) as server, Load(FOLDER.name, server.port) as load:
            program = load.listeners("/live.mp3", 5, churn=100, connects=105, rest_at=20, rest=300)
            program.wait_for("resting", 10)
            program.wait_for("connected", 10)
            report = program.end()
        self.assertEqual((report["connects"], report["left"], report["disconnected"]), (105, 100, 0))
        self.assertGreaterEqual(report["seconds"], 1.3)

    def test_one_that_hears_nothing_more_is_behind(self):
        kinds = iter((0.3, 20, 20))

        def some_end(connection):
            self.broadcast(connection, next(kinds))
            time.sleep(20)

        report, _ = self.crowd(some_end, 20, 3, seconds=4, verify=1)
        self.assertEqual(report["behind"], 1)
        self.assertGreater(report["gap_ms"], 2500)


class Sending(unittest.TestCase):
    """The source."""

    def receive(self, seconds=1.0, answer=b"HTTP/1.1 100 Continue\r\n\r\n", cut_after=None, **options):
        """What a server gets: [(head, bytes, seconds)] of each connection; and the report."""
        got = []

        def serve(connection):
            head, body, began = read_head(connection), b"", time.monotonic()
            connection.sendall(answer)
            try:
                while (cut_after is None or len(body) < cut_after) and (piece := connection.recv(65536)):
                    body += piece
            finally:
                got.append((head, body, time.monotonic() - began))

        with FakeServer(serve) as server, Load(FOLDER.name, server.port) as load:
            program = load.start("record_source", "/live.mp3", {"password": "hack:me", "expect": True, **options})
            time.sleep(seconds)
            report = program.end()
        time.sleep(0.1)
        return got, report

    def test_it_signs_in_and_sends_the_stream_at_its_rate(self):
        [(head, body, took)], report = self.receive(3.0, rate=256_000, ahead=10_000)
        self.assertIn("PUT /live.mp3 HTTP/1.1\r\n", head)
        self.assertIn("Expect: 100-continue\r\n", head)
        self.assertIn(base64.b64encode(b"source:hack:me").decode(), head)
        self.assertEqual(body, stream(0, len(body)))
        self.assertAlmostEqual(len(body) - 10_000, 32_000 * took, delta=3200)
        self.assertEqual((report["on_air"], report["bytes"]), (1, len(body)))

    def test_a_refusal_is_counted(self):
        _, report = self.receive(answer=b"HTTP/1.0 401 No\r\n\r\n")
        self.assertEqual((report["refused"], report["on_air"]), ({"401": 1}, 0))

    def test_it_comes_again_at_the_next_record(self):
        got, report = self.receive(2.0, cut_after=1001, ahead=1001, reconnect=True)
        got = [one for one in got if one[1]]
        self.assertGreater(len(got), 2)
        self.assertGreaterEqual(report["broken"], len(got) - 1)
        for _, body, _ in got:
            self.assertEqual(body[:8], record(0)[:8])
        second = int.from_bytes(got[1][1][8:16], "little")
        self.assertGreaterEqual(second, 16)
        self.assertEqual(got[1][1], stream(second * 64, second * 64 + len(got[1][1])))

    def test_turns_end_but_for_the_last(self):
        got, report = self.receive(2.0, turns=4, turn_ms=100, ahead=640)
        self.assertEqual((len(got), report["on_air"], report["broken"]), (4, 4, 0))

    def test_errors_on_purpose(self):
        [(_, body, _)], _ = self.receive(0.5, ahead=50_000, flip_at=20_000)
        wrong = [at for at, (is_, should) in enumerate(zip(body, stream(0, len(body)))) if is_ != should]
        self.assertEqual(wrong, [20_000])
        [(_, body, _)], _ = self.receive(0.5, ahead=50_000, skip_at=16_384, skip_bytes=99)
        self.assertEqual(body, stream(0, 16_384) + stream(16_483, len(body) + 99))


if __name__ == "__main__":
    compile_programs(FOLDER.name)
    unittest.main()
