"""Relays: mounts that the server gets from other servers, real ones and ones that misbehave."""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from cast_support import (ADMIN, BYTES, PASSWORD, Listener, Source, ask, authorization, get, needs, needs_cast, wait_for)

pytestmark = needs_cast


class Jumper(Listener):
    """Hears a mount that may jump where its relay came back: counts the jumps, and verifies all between them."""

    jumps = 0

    def verify(self, audio):
        if self.place is None or len(audio) < 8 or audio == (BYTES + BYTES)[self.place:self.place + len(audio)]:
            super().verify(audio)
            return
        # The jump is somewhere within this piece: its beginning goes on from before, and its end belongs together.
        end = BYTES.index(audio[-8:]) + 8 + len(BYTES)
        before, after = (BYTES + BYTES)[self.place:self.place + len(audio)], (BYTES + BYTES)[end - len(audio):end]
        at = next(n for n in range(len(audio)) if audio[n] != before[n])
        assert audio[at:] == after[at:], "more than a jump"
        self.jumps += 1
        self.heard += len(audio)
        self.place = end % len(BYTES)


class Other:
    """A server of a few lines. `answer(connection, request)` is called for each connection, in a thread."""

    def __init__(self, answer):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address, self.answer, self.requests = self.listener.getsockname(), answer, []
        threading.Thread(target=self.run, daemon=True).start()

    @property
    def url(self):
        return "http://%s:%d" % self.address

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            request = b""
            try:
                while b"\r\n\r\n" not in request:
                    part = connection.recv(4096)
                    if not part:
                        return
                    request += part
                self.requests.append(request.decode())
                self.answer(connection, request.decode())
            except OSError:
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def other():
    made = []

    def begin(answer):
        made.append(Other(answer))
        return made[-1]

    yield begin
    for one in made:
        one.close()


def streams(head, *pieces, rate=64000):
    """Answers with a head and then the stream, for ever."""

    def answer(connection, _):
        connection.sendall(head)
        sent = 0
        while True:
            connection.sendall((BYTES[sent % len(BYTES):] + BYTES)[:rate // 20])
            sent += rate // 20
            time.sleep(0.05)

    return answer


PLAIN = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n"


def relays(server, mount, to="/live"):
    return (to, {"relay": server.url + mount})


def reason(server, event="relay-refused"):
    return re.search(r'reason="([^"]*)"', server.wait_event(event)[-1])[1]


def port_free():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


# ---- from neap-cast ----------------------------------------------------------------


def test_every_byte_every_fact_and_every_title(start, play, join):
    origin = start(metadata_interval=4000)
    play(origin, "/live", "ice-name: Radio Grün", "ice-genre: Jazz", "ice-url: http://example.org", "ice-bitrate: 256",
         "ice-description: Day & <night>", "ice-public: 1", kind="audio/aac")
    edge = start(relays(origin, "/live"))
    edge.wait_event("relay-connected")
    listener = join(edge, "/live", titles=True).hear(40000)
    headers = listener.answer.headers
    assert headers["content-type"] == "audio/aac" and headers["icy-name"] == "Radio Grün"
    assert (headers["icy-genre"], headers["icy-br"], headers["icy-pub"]) == ("Jazz", "256", "1")
    assert (headers["icy-url"], headers["icy-description"]) == ("http://example.org", "Day & <night>")
    for title in ("Größe", "it's"):
        path = "/admin/metadata?mount=/live&mode=updinfo&song=" + title.replace("ö", "%C3%B6").replace("ß", "%C3%9F")
        assert get(origin, path, admin=True).status == 200
        listener.hear(60000)
    assert listener.titles[-2:] == ["Größe", "it's"] and listener.heard > 150000
    line = edge.events("relay-connected")[0]
    assert 'mount="/live"' in line and 'address="%s:%d"' % origin.address in line
    assert not edge.events("source-connected")


def test_settings_of_the_mount_win(start, play, join):
    origin = start()
    play(origin, "/live", "ice-name: Theirs", "ice-genre: Jazz")
    edge = start(("/own", {"relay": origin.url + "/live", "stream-name": "Ours"}))
    edge.wait_event("relay-connected")
    headers = join(edge, "/own").hear(10000).answer.headers
    assert (headers["icy-name"], headers["icy-genre"]) == ("Ours", "Jazz")


def test_a_chain_of_two(start, play, join):
    origin = start()
    play(origin, "/live", "ice-name: First")
    middle = start(relays(origin, "/live", "/middle"))
    middle.wait_event("relay-connected")
    edge = start(relays(middle, "/middle", "/end"))
    edge.wait_event("relay-connected")
    listener = join(edge, "/end").hear(100000)
    assert listener.answer.headers["icy-name"] == "First" and not listener.ended


def test_listeners_stay_when_the_origin_is_started_again(start, play):
    port = port_free()
    settings = {"listen": "127.0.0.1:%d" % port}
    origin = start(**settings)
    source = play(origin, "/live")
    edge = start(relays(origin, "/live"), source_timeout="30 s")
    edge.wait_event("relay-connected")
    listener = Jumper(edge, "/live", timeout=30)
    listener.hear(50000)
    origin.kill()
    edge.wait_event("relay-lost")
    source.stop()
    time.sleep(2)
    again = start(**settings)
    play(again, "/live", start=source.sent)
    edge.wait_event("relay-connected", 2, seconds=20)
    listener.hear(150000)
    assert not listener.ended and listener.jumps <= 1
    listener.leave()


def test_the_mount_ends_by_its_rules(start, play, join):
    """Its listeners move to its fallback, and without one they leave."""
    origin = start(source_timeout="1 s")
    source = play(origin, "/live")
    edge = start(("/live", {"relay": origin.url + "/live", "fallback": "/safe"}), ("/alone", {"relay": origin.url + "/live"}),
                 source_timeout="1 s")
    play(edge, "/safe")
    edge.wait_event("relay-connected", 2)
    moved, left = Jumper(edge, "/live"), join(edge, "/alone")
    moved.hear(20000), left.hear(20000)
    source.stop()
    origin.wait_event("mount-ended")
    left.hear(1 << 30)
    assert left.ended
    moved.hear(100000)
    assert not moved.ended
    moved.leave()
    assert len(edge.events("relay-lost")) == 2


def test_a_source_and_a_relay_do_not_take_each_other_the_mount(start, play, join):
    origin = start()
    play(origin, "/live", "ice-name: Theirs")
    edge = start(relays(origin, "/live"), ("/busy", {}))
    edge.wait_event("relay-connected")
    refused = ask(edge, "PUT /live HTTP/1.1", authorization("source", PASSWORD))
    assert refused.status == 403 and b"Mountpoint in use" in refused.rest
    source = play(edge, "/busy", "ice-name: Ours")
    listener = join(edge, "/busy").hear(10000)
    edge.mounts = (*edge.mounts[:1], relays(origin, "/live", "/busy"))
    edge.reload()
    assert reason(edge) == "the mount has a source"
    time.sleep(2.5)
    assert len(edge.events("relay-refused")) == 1
    assert listener.hear(20000).answer.headers["icy-name"] == "Ours"
    source.stop()
    edge.wait_event("relay-connected", 2)
    wait_for(lambda: join(edge, "/busy").answer.headers["icy-name"] == "Theirs", "the relay to have the mount")


def test_an_administrator_ends_a_relay(start, play):
    origin = start()
    play(origin, "/live")
    edge = start(relays(origin, "/live"))
    edge.wait_event("relay-connected")
    assert get(edge, "/admin/killsource?mount=/live", admin=True).status == 200
    assert reason(edge, "relay-lost") == "the administrator ended it"
    edge.wait_event("relay-connected", 2)


@needs("ffmpeg")
def test_ogg_over_two_relays(start):
    """Whoever joins at the end can decode, also after the middle has come back."""
    origin = start()
    middle = start(relays(origin, "/live.ogg", "/live.ogg"))
    edge = start(relays(middle, "/live.ogg", "/live.ogg"), source_timeout="30 s")
    with subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "sine=440", "-c:a", "libopus",
                           "-b:a", "96k", "-f", "ogg", "icecast://source:%s@%s:%d/live.ogg" % (PASSWORD, *origin.address)]) as source:
        try:
            edge.wait_event("relay-connected", seconds=30)
            for count in (1, 2):
                decoded = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", edge.url + "/live.ogg", "-t", "2",
                                          "-f", "null", "-"], capture_output=True, text=True, timeout=60)
                assert decoded.returncode == 0 and not decoded.stderr, decoded.stderr
                if count == 1:
                    assert get(middle, "/admin/killsource?mount=/live.ogg", admin=True).status == 200
                    edge.wait_event("relay-connected", 2, seconds=30)
        finally:
            source.terminate()


# ---- settings ----------------------------------------------------------------------


def test_a_reload(start, play, join):
    """New relays start, removed ones end, changed ones restart, and the others go on undisturbed."""
    origin = start()
    for mount in ("/a", "/b", "/c"):
        play(origin, mount, "ice-name: " + mount)
    edge = start(relays(origin, "/a", "/stays"), relays(origin, "/b", "/goes"), relays(origin, "/a", "/changes"),
                 source_timeout="1 s")
    edge.wait_event("relay-connected", 3)
    stays, goes = join(edge, "/stays").hear(10000), join(edge, "/goes").hear(10000)
    edge.mounts = relays(origin, "/a", "/stays"), relays(origin, "/c", "/changes"), relays(origin, "/b", "/comes")
    edge.reload()
    edge.wait_event("relay-connected", 5)
    goes.hear(1 << 30)
    assert goes.ended
    stays.hear(50000)
    assert len([line for line in edge.events("relay-connected") if 'mount="/stays"' in line]) == 1
    assert join(edge, "/changes").answer.headers["icy-name"] == "/c"
    assert join(edge, "/comes").hear(10000).answer.headers["icy-name"] == "/b"
    edge.reload()
    assert len(edge.events("relay-connected")) == 5


def test_a_relay_that_is_not_reached_does_not_keep_the_server(start):
    server = start(("/a", {"relay": "http://no-such-host.invalid/x"}), ("/b", {"relay": "http://127.0.0.1:1/x"}),
                   ("/c", {"relay": "http://192.0.2.1/x"}))
    server.wait_event("relay-refused", 2)
    server.stop()


# ---- circles -------------------------------------------------------------------------


def test_a_relay_of_itself(start, play):
    """It is told from the stream, whatever address leads to the server."""
    port = port_free()
    server = start(("/live", {"relay": "http://localhost:%d/live" % port}), listen="127.0.0.1:%d" % port,
                   source_timeout="20 s")
    assert reason(server) == "it answers 404 Not Found"
    source = play(server, "/live")
    source.send(100000)
    time.sleep(0.5)
    source.stop()
    server.wait_event("source-ended")
    wait_for(lambda: any("a loop" in line for line in server.events("relay-refused")), "the loop to be found", 20)
    assert not server.events("relay-connected")


def test_a_circle_of_two_servers(start, play):
    ports = port_free(), port_free()
    one, two = (start(("/live", {"relay": "http://127.0.0.1:%d/live" % ports[1 - i]}), listen="127.0.0.1:%d" % ports[i],
                      source_timeout="20 s") for i in (0, 1))
    one.wait_event("relay-refused")
    source = play(one, "/live")
    two.wait_event("relay-connected", seconds=30)
    source.stop()
    one.wait_event("source-ended")
    wait_for(lambda: any("a loop" in line for line in one.events("relay-refused")), "the circle to be found", 20)
    assert not one.events("relay-connected")


# ---- answers ---------------------------------------------------------------------------


def test_what_it_asks_for(start, other):
    server = other(streams(PLAIN))
    edge = start(("/x", {"relay": server.url + "/Grün?a=b"}))
    edge.wait_event("relay-connected")
    line, *headers = server.requests[0].split("\r\n")
    assert line == "GET /Gr%C3%BCn?a=b HTTP/1.1"
    assert "Host: %s:%d" % server.address in headers and "Icy-MetaData: 1" in headers
    assert "Connection: close" in headers and any(header.startswith("User-Agent: Neap-cast/") for header in headers)


@pytest.mark.parametrize("line", ["ICY 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 200 Fine indeed", "HTTP/1.1 200"])
def test_answers_that_are_taken(start, other, join, line):
    server = other(streams(line.encode() + b"\r\nicy-name: Shout\r\nicy-pub:1\r\ncontent-type:audio/aacp\r\nicy-br:64\r\n\r\n"))
    edge = start(relays(server, "/"))
    edge.wait_event("relay-connected")
    headers = join(edge, "/live").hear(50000).answer.headers
    assert (headers["content-type"], headers["icy-name"], headers["icy-pub"], headers["icy-br"]) == (
        "audio/aacp", "Shout", "1", "64")


def test_titles_in_the_body(start, other, join):
    """In Latin-1, as SHOUTcast's clients send them, and cut anywhere."""

    def answer(connection, _):
        connection.sendall(b"ICY 200 OK\r\nicy-metaint: 1000\r\n\r\n")
        sent, block = 0, b"\x02" + b"StreamTitle='Gr\xfcn';".ljust(32, b"\0")
        body = b""
        while True:
            body += (BYTES[sent % len(BYTES):] + BYTES)[:1000] + (block if sent % 3000 == 0 else b"\0")
            sent += 1000
            connection.sendall(body[:777])
            body = body[777:]
            time.sleep(0.02)

    edge = start(relays(other(answer), "/"), metadata_interval=1000)
    edge.wait_event("relay-connected")
    listener = join(edge, "/live", titles=True).hear(80000)
    assert set(listener.titles) == {"Grün"}


def test_a_body_in_chunks(start, other, join):
    def answer(connection, _):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        for size in (1, 7, 1000, 5000, 2, 30000, *(2000 for _ in range(60))):
            connection.sendall(b"%x\r\n" % size + BYTES[sent:sent + size] + b"\r\n")
            sent += size
            time.sleep(0.05)
        connection.sendall(b"0\r\n\r\n")
        time.sleep(5)

    edge = start(relays(other(answer), "/"))
    edge.wait_event("relay-connected")
    join(edge, "/live").hear(100000)
    assert reason(edge, "relay-lost") == "the other server ended the stream"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_one_redirection(start, other, join, status):
    target = other(streams(PLAIN))
    first = other(lambda connection, _: connection.sendall(
        b"HTTP/1.1 %d Moved\r\nLocation: %s/there\r\nContent-Length: 0\r\n\r\n" % (status, target.url.encode())))
    edge = start(relays(first, "/here"))
    edge.wait_event("relay-connected")
    join(edge, "/live").hear(20000)
    assert target.requests[0].startswith("GET /there ")
    assert 'to="%s/there"' % target.url in edge.events("relay-redirected")[0]


def test_a_redirection_on_the_same_host(start, other):
    def answer(connection, request):
        if request.startswith("GET /there?x "):
            streams(PLAIN)(connection, request)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /there?x\r\n\r\n")

    edge = start(relays(other(answer), "/here"))
    edge.wait_event("relay-connected")


@pytest.mark.parametrize("location,why", [
    (b"/here", "it redirects a second time"), (b"https://a/x", "it redirects to no URL of the scheme http"),
    (b"//a/x", "it redirects to no URL of the scheme http"), (b"http://u:p@a/", "it redirects to no URL of the scheme http"),
    (b"", "it redirects to no URL of the scheme http"), (b"http://a/b c", "it redirects to no URL of the scheme http")])
def test_redirections_that_are_not_followed(start, other, location, why):
    server = other(lambda connection, _: connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: " + location + b"\r\n\r\n"))
    edge = start(relays(server, "/here"))
    assert reason(edge) == why


MALFORMED = "the head of its answer is malformed"


@pytest.mark.parametrize("answer,why", [
    (b"HTTP/1.1 404 No\r\n\r\n", "it answers 404 Not Found"),
    (b"ICY 401 Service Unavailable\r\n\r\n", "it answers 401 Unauthorized"),
    (b"HTTP/1.1 206 Partial Content\r\n\r\n", "it answers 206 Partial Content"),
    (b"HTTP/1.1 303 See Other\r\nLocation: /x\r\n\r\n", "it answers 303 See Other"),
    (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", "it answers with a page and no stream"),
    (b"", "it closes the connection without an answer"),
    (b"HTTP/1.1 200 OK\r\nX: y\r\n", "it closes the connection without an answer"),
    (b"\x16\x03\x01\x02\x00\x01", "it does not answer as HTTP or SHOUTcast do"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "it does not answer as HTTP or SHOUTcast do"),
    (b"HTTP/2 200\r\n\r\n", "it does not answer as HTTP or SHOUTcast do"),
    (b"HTTP/1.1 2000 OK\r\n\r\n", "it does not answer as HTTP or SHOUTcast do"),
    (b"HTTP/1.1 -20 OK\r\n\r\n", "it does not answer as HTTP or SHOUTcast do"),
    (b"HTTP/1.1 200 OK\nX: y\n\n", MALFORMED),
    (b"HTTP/1.1 200 OK\r\nX: y\r\n folded\r\n\r\n", MALFORMED),
    (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", MALFORMED),
    (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", MALFORMED),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", MALFORMED),
    (b"ICY 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", MALFORMED),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "its answer is in an encoding that is not known here"),
    (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 65 + b"\r\n", "its answer has too many headers"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000, "the head of its answer is too large"),
    (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 9000 + b"\r\n\r\n", "the head of its answer is too large"),
])
def test_answers_that_are_refused(start, other, answer, why):
    edge = start(relays(other(lambda connection, _: (connection.sendall(answer), connection.shutdown(socket.SHUT_WR),
                                                     connection.recv(1))), "/"))
    assert reason(edge) == why
    assert get(edge, "/live").status == 404


@pytest.mark.parametrize("rest,why", [
    (b"zz\r\n", "the chunks of the stream are malformed"), (b"5\r\nhelloXX", "the chunks of the stream are malformed"),
    (b"5\r\nhel", "the connection broke")])
def test_bodies_that_break_off(start, other, rest, why):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    edge = start(relays(other(lambda connection, _: connection.sendall(head + rest)), "/"))
    assert reason(edge, "relay-lost") == why


@pytest.mark.parametrize("url,why", [
    ("http://no-such-host.invalid/x", "no-such-host.invalid cannot be resolved"),
    ("http://127.0.0.1:%d/x" % port_free(), "Connection refused")], ids=["name", "port"])
def test_who_is_not_there(start, url, why):
    edge = start(("/live", {"relay": url}))
    assert why in reason(edge)
    time.sleep(4)
    assert len(edge.events("relay-refused")) == 1, "the same reason stands in the log once"


def test_a_name_is_resolved(start, play, join):
    origin = start()
    play(origin, "/live")
    edge = start(("/live", {"relay": "http://localhost:%d/live" % origin.address[1]}))
    edge.wait_event("relay-connected")
    join(edge, "/live").hear(20000)


def test_silence(start, other):
    """Before the answer, within it, and behind it."""
    slow = other(lambda connection, _: time.sleep(30))
    drop = other(lambda connection, _: [connection.sendall(b"H"), time.sleep(30)])
    mute = other(lambda connection, _: [connection.sendall(PLAIN), time.sleep(30)])
    edge = start(relays(slow, "/", "/slow"), relays(drop, "/", "/drop"), relays(mute, "/", "/mute"), header_timeout="1 s",
                 source_timeout="1 s")
    lines = edge.wait_event("relay-refused", 2)
    assert all('reason="its answer does not come in time"' in line for line in lines)
    assert reason(edge, "relay-lost") == "nothing came for the time of source-timeout"


def test_the_pauses_grow(start, other):
    times = []
    server = other(lambda connection, _: times.append(time.monotonic()))
    start(relays(server, "/"))
    wait_for(lambda: len(times) >= 4, "four attempts", 20)
    pauses = [after - before for before, after in zip(times, times[1:])]
    assert pauses[0] < 3 and pauses[0] < pauses[2] and 2.5 < pauses[2] < 7, pauses


def test_what_it_says_is_cleaned(start, other, join):
    server = other(streams(b"HTTP/1.1 200 OK\r\nicy-name: <b>\"\xff&\r\nicy-description: " + b"x" * 4000 +
                           b"\r\nneap-relay: rubbish\r\n\r\n"))
    edge = start(relays(server, "/"))
    edge.wait_event("relay-connected")
    headers = join(edge, "/live").hear(20000).answer.headers
    assert headers["icy-name"] == "<b>\"ÿ&" and len(headers["icy-description"]) == 512
    assert "&lt;b&gt;" in get(edge, "/").rest.decode()


# ---- Icecast ------------------------------------------------------------------------------


@pytest.fixture
def icecast():
    """Starts Icecasts, each with these relays: (server, mount, local mount)."""
    started, folders = [], []

    def begin(*relayed):
        folder = Path(tempfile.mkdtemp(prefix="neap-icecast-"))
        folders.append(folder)
        port = port_free()
        lines = "".join("<relay><server>%s</server><port>%d</port><mount>%s</mount><local-mount>%s</local-mount>"
                        "<relay-shoutcast-metadata>1</relay-shoutcast-metadata><on-demand>0</on-demand></relay>" %
                        (*server.address, mount, local) for server, mount, local in relayed)
        owner = "<security><chroot>0</chroot>%s</security>" % (
            "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" if os.getuid() == 0 else "")
        (folder / "icecast.xml").write_text(
            "<icecast><limits><clients>50</clients><sources>9</sources><source-timeout>10</source-timeout>"
            "<burst-size>65535</burst-size></limits><authentication><source-password>%s</source-password>"
            "<relay-password>r</relay-password><admin-user>admin</admin-user><admin-password>%s</admin-password>"
            "</authentication><hostname>localhost</hostname><listen-socket><port>%d</port>"
            "<bind-address>127.0.0.1</bind-address></listen-socket>%s<master-update-interval>1</master-update-interval>"
            "<fileserve>0</fileserve><paths><logdir>%s</logdir>"
            "<webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot></paths>"
            "<logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>%s"
            "</icecast>" % (PASSWORD, ADMIN, port, lines, folder, owner))
        os.chmod(folder, 0o777)
        process = subprocess.Popen(["icecast2", "-c", folder / "icecast.xml"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        started.append(process)
        process.address = ("127.0.0.1", port)
        process.url = "http://127.0.0.1:%d" % port

        def answers():
            assert process.poll() is None, "icecast2 ended"
            try:
                return ask(process, "GET /status-json.xsl HTTP/1.0")
            except OSError:
                return None

        wait_for(answers, "Icecast to listen")
        return process

    yield begin
    for process in started:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@needs("icecast2")
def test_from_icecast(start, play, join, icecast):
    origin = icecast()
    play(origin, "/live.mp3", "ice-name: Radio Ice", "ice-genre: Jazz", "ice-description: Cold", "ice-bitrate: 128", "ice-public: 0")
    edge = start(relays(origin, "/live.mp3"), metadata_interval=1000)
    edge.wait_event("relay-connected", seconds=20)
    listener = join(edge, "/live", titles=True).hear(60000)
    headers = listener.answer.headers
    assert (headers["icy-name"], headers["icy-genre"], headers["icy-description"], headers["icy-br"]) == (
        "Radio Ice", "Jazz", "Cold", "128")
    path = "/admin/metadata?mount=/live.mp3&mode=updinfo&charset=utf-8&song=Gr%C3%BCn"
    assert ask(origin, "GET %s HTTP/1.0" % path, authorization("admin", ADMIN)).status == 200
    listener.hear(100000)
    assert listener.titles[-1:] == ["Grün"]


@needs("icecast2")
def test_to_icecast(start, play, join, icecast):
    origin = start(metadata_interval=4000)
    play(origin, "/live", "ice-name: Radio Neap")
    assert get(origin, "/admin/metadata?mount=/live&mode=updinfo&song=Hello", admin=True).status == 200
    edge = icecast((origin, "/live", "/here.mp3"))
    wait_for(lambda: ask_status(edge, "/here.mp3") == 200, "Icecast to have the stream", 20)
    listener = join(edge, "/here.mp3", titles=True).hear(100000)
    assert listener.answer.headers["icy-name"] == "Radio Neap" and listener.titles[:1] == ["Hello"]


def ask_status(server, path):
    with socket.create_connection(server.address, timeout=5) as connection:
        connection.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
        return int(connection.recv(4096).split(b" ")[1])


@needs("icecast2")
def test_from_neap_over_icecast_to_neap(start, play, join, icecast):
    origin = start()
    play(origin, "/live")
    middle = icecast((origin, "/live", "/live"))
    edge = start(relays(middle, "/live"))
    edge.wait_event("relay-connected", seconds=20)
    join(edge, "/live").hear(100000)
