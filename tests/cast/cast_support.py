"""What the tests of the broadcasting server share: the server, a source, and listeners that verify what they hear.

The stream that a Source sends tells for each byte where it belongs: byte n is BYTES[n % len(BYTES)], a sequence in
which every 8 bytes occur once. So a listener that joins anywhere finds its place, and notices a lost, doubled or
wrong byte.
"""
import base64
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

TREE = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("NEAP_BUILD", TREE / "build")).resolve()
PROGRAM = BUILD / "neap-cast"
PASSWORD, ADMIN = "let-me-in", "the-boss"
BYTES = random.Random(5).randbytes(1 << 20)

needs_cast = pytest.mark.skipif(not PROGRAM.exists(), reason="neap-cast was not built: its libraries are missing")


def needs(program):
    """A test that is skipped by name where a real program is missing."""
    return pytest.mark.skipif(not shutil.which(program), reason="no %s on this machine" % program)


def wait_for(condition, what, seconds=10):
    """Asks until the condition holds, and returns what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    pytest.fail("waited %d s in vain for %s" % (seconds, what))


def dashed(settings):
    """Keys have - where Python has _."""
    return {key.replace("_", "-"): value for key, value in settings.items()}


class Server:
    """One neap-cast on loopback, with settings as one writes them into its file."""

    def __init__(self, folder, *mounts, arguments=(), **server):
        self.folder, self.mounts, self.stopped = Path(folder), mounts, False
        self.access, self.errors = self.folder / "access.log", self.folder / "errors.log"
        self.settings = {"listen": "127.0.0.1:0", "source-password": PASSWORD, "admin-password": ADMIN, "loops": "2",
                         "access-log": self.access, "batch": "100 ms", **dashed(server)}
        self.file = self.folder / "cast.conf"
        self.write()
        self.log = open(self.errors, "w")
        self.process = subprocess.Popen([PROGRAM, "-c", self.file, *arguments], stdout=self.log, stderr=self.log)
        self.address = wait_for(self.find_address, "the server to listen")

    def write(self):
        """Writes the file of settings. A key whose value is None is left out."""
        lines = ["[server]", *("%s = %s" % pair for pair in self.settings.items() if pair[1] is not None)]
        for name, settings in self.mounts:
            lines += ["[mount %s]" % name, *("%s = %s" % (key, value) for key, value in settings.items())]
        self.file.write_text("\n".join(lines) + "\n")
        os.chmod(self.file, 0o644)
        os.chmod(self.folder, 0o777)  # the server is another user once it runs

    def find_address(self):
        assert self.process.poll() is None, self.errors.read_text()
        found = re.search(r'event=listening url="([\d.]+):(\d+)"', self.errors.read_text())
        return found and (found[1], int(found[2]))

    @property
    def url(self):
        return "http://%s:%d" % self.address

    def events(self, name):
        return [line for line in self.errors.read_text().splitlines() if " event=%s " % name in line + " "]

    def wait_event(self, name, count=1, seconds=10):
        return wait_for(lambda: len(self.events(name)) >= count and self.events(name), "%d of %s" % (count, name), seconds)

    def reload(self, **server):
        self.settings.update(dashed(server))
        self.write()
        before = len(self.events("reloaded"))
        self.process.send_signal(signal.SIGHUP)
        self.wait_event("reloaded", before + 1)

    def kill(self):
        """Ends it as nobody should."""
        self.stopped = True
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self):
        """Ends it as an operator does. It has to end by itself, and well."""
        self.stopped = True
        assert self.process.poll() is None, "the server has ended: " + self.errors.read_text()[-3000:]
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "killed"
        self.log.close()
        assert code == 0, (code, self.errors.read_text()[-3000:])


def authorization(user, password):
    return "Authorization: Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


class Answer:
    """The head of an answer, and the bytes behind it that came with it."""

    def __init__(self, text, rest):
        line, *headers = text.decode("utf-8", "replace").split("\r\n")
        self.version, status, *_ = line.split(" ")
        self.status, self.rest = int(status), rest
        self.headers = {name.lower(): value.strip() for name, _, value in (header.partition(":") for header in headers)}


def read_answer(connection):
    """Reads the head of an answer; None if the connection ended before."""
    text = b""
    while b"\r\n\r\n" not in text:
        try:
            part = connection.recv(4096)
        except ConnectionResetError:
            return None
        if not part:
            return None
        text += part
    head, _, rest = text.partition(b"\r\n\r\n")
    return Answer(head, rest)


def connect(server, timeout=10):
    return socket.create_connection(server.address, timeout=timeout)


def ask(server, line, *headers, body=b""):
    """Sends a request and returns the answer with its whole body."""
    with connect(server) as connection:
        connection.sendall("\r\n".join([line, "Host: localhost", *headers, "", ""]).encode() + body)
        answer = read_answer(connection)
        while answer and (part := connection.recv(65536)):
            answer.rest += part
    return answer


def get(server, path, *headers, admin=False):
    if admin:
        headers = (*headers, authorization("admin", ADMIN))
    return ask(server, "GET %s HTTP/1.1" % path, *headers)


class Source:
    """Sends the stream to a mount at a rate, from a thread, until it is stopped."""

    def __init__(self, server, mount, *headers, rate=32000, method="PUT", kind="audio/mpeg", password=PASSWORD, start=0):
        self.connection = connect(server)
        protocol = "ICE/1.0" if method == "SOURCE" else "HTTP/1.1"
        lines = ["%s %s %s" % (method, mount, protocol), "Host: localhost", "Content-Type: " + kind,
                 authorization("source", password), *headers, "", ""]
        self.connection.sendall("\r\n".join(lines).encode())
        self.answer = read_answer(self.connection)
        self.sent, self.rate, self.going = start, rate, True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.turn = threading.Lock()  # a test may send more than the thread does

    def begin(self):
        assert self.answer and self.answer.status in (100, 200), self.answer and self.answer.status
        self.thread.start()
        return self

    def send(self, count):
        with self.turn:
            for _ in range(0, count, 65536):
                place = self.sent % len(BYTES)
                part = (BYTES[place:] + BYTES)[:min(count, 65536)]
                self.connection.sendall(part)
                self.sent += len(part)
                count -= len(part)

    def run(self):
        due = time.monotonic()
        while self.going:
            try:
                self.send(self.rate // 20)
            except OSError:
                return
            due += 0.05
            time.sleep(max(0, due - time.monotonic()))

    def stop(self):
        self.going = False
        if self.thread.ident:
            self.thread.join()
        self.connection.close()


class Listener:
    """Hears a mount and verifies every byte."""

    def __init__(self, server, mount, *headers, titles=False, timeout=10, version="1.1"):
        self.connection = connect(server, timeout)
        headers = (*headers, "Icy-MetaData: 1") if titles else headers
        self.connection.sendall("\r\n".join(["GET %s HTTP/%s" % (mount, version), "Host: localhost", *headers, "", ""]).encode())
        self.answer = read_answer(self.connection)
        self.interval = int(self.answer.headers.get("icy-metaint", 0)) if self.answer else 0
        self.raw = self.answer.rest if self.answer else b""
        self.titles, self.heard, self.place, self.ended = [], 0, None, False
        self.to_title = self.interval

    def hear(self, count):
        """Hears so many bytes of audio, or to the end."""
        goal = self.heard + count
        while self.heard < goal and not self.ended:
            if not self.raw:
                self.receive()
            self.take()
        return self

    def receive(self):
        try:
            self.raw = self.connection.recv(65536)
        except ConnectionResetError:
            self.raw = b""
        self.ended = not self.raw

    def take(self):
        if self.interval and self.to_title == 0:
            if not self.raw:
                return
            block = 1 + self.raw[0] * 16
            while len(self.raw) < block and not self.ended:
                part = self.connection.recv(65536)
                self.ended = not part
                self.raw += part
            text = self.raw[1:block].rstrip(b"\0").decode()
            if text:
                self.titles.append(re.match(r"StreamTitle='(.*?)';", text)[1])
            self.raw, self.to_title = self.raw[block:], self.interval
        audio = self.raw[:self.to_title] if self.interval else self.raw
        self.raw = self.raw[len(audio):]
        self.to_title -= len(audio)
        self.verify(audio)

    def verify(self, audio):
        if self.place is None and len(audio) < 8:
            if audio:
                self.raw = audio + self.raw
                self.to_title += len(audio)
                more = self.connection.recv(65536)
                self.ended = not more
                self.raw += more
            return
        if self.place is None:
            self.place = (BYTES + BYTES[:8]).index(audio[:8])
        end = self.place + len(audio)
        wanted = BYTES[self.place:end] if end <= len(BYTES) else BYTES[self.place:] + BYTES[:end - len(BYTES)]
        assert audio == wanted, "a wrong byte among those at %d" % self.place
        self.place = end % len(BYTES)
        self.heard += len(audio)

    def leave(self):
        self.connection.close()
