"""Whoever means it badly gets a clear answer, and the listeners on air hear nothing of it."""
import os
import resource
import socket
import subprocess
import threading
import time

import pytest

from cast_support import (BYTES, PASSWORD, Server, Source, ask, authorization, connect, get, needs_cast, read_answer, wait_for)

pytestmark = needs_cast


@pytest.fixture
def on_air(start, play, join):
    """A server with a listener who hears without a gap, whatever the test does meanwhile."""
    server = start(header_timeout="2 s", burst="8 KB")
    play(server, "/live")
    listener = join(server, "/live").hear(8000)
    gaps, going, failures = [], [True], []

    def run():
        last = time.monotonic()
        try:
            while going[0] and not listener.ended:
                listener.hear(500)
                now = time.monotonic()
                gaps.append(now - last)
                last = now
        except Exception as error:  # told in the test's own thread
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    yield server
    heard = listener.heard
    wait_for(lambda: failures or listener.ended or listener.heard > heard + 5000, "the listener to hear on")
    going[0] = False
    thread.join()
    assert not failures and not listener.ended
    assert max(gaps) < 3, "the listener heard a gap of %.1f s" % max(gaps)


def say(server, request, timeout=10):
    """Sends bytes; returns the status, or None if the connection ended without an answer."""
    with connect(server, timeout) as connection:
        try:
            connection.sendall(request)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = read_answer(connection)
        return answer and answer.status


@pytest.mark.parametrize("request_bytes,status", [
    (b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
    (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 9000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\n" + b"".join(b"H%d: 1\r\n" % i for i in range(100)) + b"\r\n", 431),
    (b"GET / HTTP/3.0\r\n\r\n", 505), (b"BREW /pot HTTP/1.1\r\n\r\n", 501), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    (b"GET  / HTTP/1.1\r\n\r\n", 400), (b"GET /\x00 HTTP/1.1\r\n\r\n", 400), (b"GET /%zz HTTP/1.1\r\n\r\n", 400),
    (b"PUT /x HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (b"PUT /x HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501), (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"\r\n\r\n\r\n\r\n", 400), (os.urandom(3000), 400),
], ids=["url", "header", "headers", "version", "method", "tls", "space", "nul", "percent", "smuggling", "encoding", "hosts",
        "empty", "random"])
def test_malformed_requests(on_air, request_bytes, status):
    assert say(on_air, request_bytes) == status


def test_pipelined_rubbish_behind_a_request(on_air):
    assert say(on_air, b"GET / HTTP/1.1\r\n\r\n" + os.urandom(100000)) == 200
    assert say(on_air, b"GET / HTTP/1.1\r\n\r\n" * 50) == 200


def test_a_head_that_comes_slowly(on_air):
    with connect(on_air) as connection:
        begun = time.monotonic()
        answer = None
        for byte in b"GET / HTTP/1.1\r\nX-Slow: " + b"a" * 1000:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.1)
            if time.monotonic() - begun > 4:
                break
        answer = read_answer(connection)
    assert answer and answer.status == 408


def test_who_says_nothing_is_dropped(on_air):
    with connect(on_air) as connection:
        connection.settimeout(10)
        assert connection.recv(10) == b""


def test_thousands_of_half_open_connections(on_air):
    """More than may wait at once: the oldest of them go, and others are served."""
    on_air.reload(header_timeout="60 s")  # so that it is not time that ends them
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many = []
    try:
        for i in range(min(5000, hard - 200)):
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(on_air.address)
            many.append(connection)
            if i % 500 == 499:
                assert get(on_air, "/").status == 200
        assert get(on_air, "/").status == 200

        def ended(connection):
            try:
                return connection.recv(1) == b""
            except BlockingIOError:
                return False
            except ConnectionResetError:
                return True

        assert len(many) < 4200 or any(map(ended, many[:100]))  # the server keeps 4,096 that say nothing
    finally:
        for connection in many:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_without_descriptors_listeners_are_refused_and_others_served(tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()

    class Narrow(Server):
        """A server that may have a hundred descriptors."""

    limit = "import resource, os, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)); os.execv(sys.argv[1], sys.argv[1:])"
    real = subprocess.Popen
    try:
        subprocess.Popen = lambda command, **options: real(["/usr/bin/python3", "-c", limit, *command], **options)
        server = Narrow(folder)
    finally:
        subprocess.Popen = real
    source = Source(server, "/live").begin()
    listeners, statuses = [], []
    for _ in range(130):
        connection = connect(server)
        connection.sendall(b"GET /live HTTP/1.1\r\n\r\n")
        answer = read_answer(connection)
        statuses.append(answer and answer.status)
        listeners.append(connection)
        if answer is None or answer.status != 200:
            connection.close()
    assert statuses.count(200) >= 40 and set(statuses) == {200, 503}
    assert get(server, "/").status == 200
    assert get(server, "/admin/stats", admin=True).status == 200
    second = Source(server, "/second").begin()
    second.stop()
    for connection in listeners:
        connection.close()
    wait_for(lambda: say(server, b"HEAD /live HTTP/1.1\r\n\r\n") == 200, "places to be free")
    source.stop()
    server.stop()


def test_a_full_disk_under_the_log(start, play, join):
    server = start(access_log="/dev/full")
    play(server, "/live")
    listener = join(server, "/live").hear(5000)
    for _ in range(5):
        assert get(server, "/").status == 200

    def dropped():  # a line is written when its connection is closed
        text = get(server, "/metrics").rest.decode()
        return int(text.partition("\nneap_cast_log_lines_dropped_total ")[2].split("\n")[0])

    wait_for(lambda: dropped() >= 5, "five dropped lines")
    listener.hear(20000)


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/..%2f..%2fetc/passwd", "/a//b", "/a/./b", "/%ff", "/\\x", "/.m3u",
                                  "//etc/passwd", "/etc/passwd%00.mp3"])
def test_tricks_with_paths(on_air, path):
    assert get(on_air, path).status in (400, 404)
    assert ask(on_air, "PUT %s HTTP/1.1" % path, authorization("source", PASSWORD)).status in (400, 403)


def test_icy_lengths_beyond_the_body(on_air):
    """A source whose titles never end: its body is not believed to be longer than it is."""
    source = Source(on_air, "/icy", "icy-metaint: 16")
    source.connection.sendall(BYTES[:16] + b"\xff" + b"StreamTitle='" + b"x" * 100)
    source.connection.close()
    wait_for(lambda: len(on_air.events("source-ended")) == 1, "the source to end")


def test_rubbish_that_says_it_is_ogg(on_air, join):
    source = Source(on_air, "/ogg", kind="application/ogg")
    for _ in range(20):
        source.connection.sendall(b"OggS" + os.urandom(5000) + b"OggS\0\2" + os.urandom(20) + b"\xff" * 256)
    assert get(on_air, "/ogg.m3u").status == 200
    connection = connect(on_air)
    connection.sendall(b"GET /ogg HTTP/1.1\r\n\r\n")
    assert read_answer(connection).status == 200
    connection.close()
    source.connection.close()
    wait_for(lambda: len(on_air.events("source-ended")) == 1, "the source to end")


def test_wrong_passwords_at_speed_from_a_source(on_air):
    statuses = [ask(on_air, "PUT /x HTTP/1.1", authorization("source", "guess %d" % i)).status for i in range(30)]
    assert statuses[0] == 401 and statuses[-1] == 429
