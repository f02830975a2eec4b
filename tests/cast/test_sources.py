"""Sources: how they sign in, what they may send, and that listeners do not notice when one comes back."""
import subprocess
import time

import pytest

from cast_support import (BYTES, PASSWORD, Source, ask, authorization, connect, get, needs, needs_cast, read_answer, wait_for)

pytestmark = needs_cast


def listens_at(server, mount="/live"):
    return "icecast://source:%s@%s:%d%s" % (PASSWORD, *server.address, mount)


@pytest.mark.parametrize("method,headers,status,version", [
    ("PUT", (), 200, "HTTP/1.1"), ("PUT", ("Expect: 100-continue",), 100, "HTTP/1.1"), ("SOURCE", (), 200, "HTTP/1.0")])
def test_ways_to_sign_in(start, play, join, method, headers, status, version):
    server = start()
    source = play(server, "/live", *headers, method=method)
    assert (source.answer.status, source.answer.version) == (status, version)
    listener = join(server, "/live").hear(30000)
    assert listener.heard >= 30000
    assert listener.answer.headers["content-type"] == "audio/mpeg"


def test_what_a_source_says_is_told(start, play, join):
    server = start(("/set", {"stream-name": "From the file"}))
    play(server, "/live", "ice-name: Radio Grün", "ice-genre: Jazz", "ice-url: http://example.org", "ice-bitrate: 256",
         "ice-description: Day & <night>", "ice-public: 1")
    play(server, "/set", "ice-name: From the source")
    headers = join(server, "/live").hear(1).answer.headers
    assert headers["icy-name"] == "Radio Grün"
    assert (headers["icy-genre"], headers["icy-br"], headers["icy-pub"]) == ("Jazz", "256", "1")
    assert (headers["icy-url"], headers["icy-description"]) == ("http://example.org", "Day & <night>")
    assert join(server, "/set").hear(1).answer.headers["icy-name"] == "From the file"
    page = get(server, "/").rest.decode()
    assert "Radio Grün" in page and "Day &amp; &lt;night&gt;" in page


def test_what_a_source_says_in_latin_1(start, join):
    server = start()
    with connect(server) as connection:
        connection.sendall(b"PUT /live HTTP/1.1\r\nHost: x\r\nice-name: Gr\xfc\xdfe \xe4\xf6\r\nice-description: " +
                           600 * b"\xfc" + b"\r\n%s\r\n\r\n" % authorization("source", PASSWORD).encode())
        assert read_answer(connection).status == 200
        connection.sendall(BYTES[:10000])
        headers = join(server, "/live").answer.headers
    assert headers["icy-name"] == "Grüße äö" and headers["icy-description"] == 256 * "ü"


def test_who_is_refused(start, play):
    server = start()
    play(server, "/live")
    line = "PUT /live HTTP/1.1"
    assert ask(server, line, "Content-Type: audio/mpeg").status == 401
    assert "www-authenticate" in ask(server, line).headers
    assert ask(server, line, authorization("source", "wrong")).status == 401
    assert ask(server, line, authorization("admin", PASSWORD)).status == 401
    assert ask(server, line, "Authorization: Bearer x").status == 401
    in_use = ask(server, line, authorization("source", PASSWORD))
    assert in_use.status == 403 and b"Mountpoint in use" in in_use.rest
    for name in ("/", "/admin/x", "/metrics", "/a/../b", "/x.m3u", "//x", "/status-json.xsl"):
        assert ask(server, "PUT %s HTTP/1.1" % name, authorization("source", PASSWORD)).status == 403, name
    assert ask(server, "PUT /a%00b HTTP/1.1", authorization("source", PASSWORD)).status == 400


def test_a_mount_may_have_its_own_password(start, play):
    server = start(("/own", {"source-password": "other", "source-user": "dj"}))
    assert ask(server, "PUT /own HTTP/1.1", authorization("source", PASSWORD)).status == 401
    with connect(server) as connection:
        connection.sendall(("PUT /own HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % authorization("dj", "other")).encode())
        assert read_answer(connection).status == 200


def test_too_many_sources(start, play):
    server = start(max_sources=2)
    play(server, "/a")
    play(server, "/b")
    assert ask(server, "PUT /c HTTP/1.1", authorization("source", PASSWORD)).status == 503


def test_nobody_notices_that_a_source_comes_back(start, play, join):
    server = start(source_timeout="5 s")
    source = play(server, "/live")
    listener = join(server, "/live").hear(40000)
    source.stop()
    server.wait_event("source-ended")
    again = play(server, "/live", start=source.sent)
    assert listener.hear(again.sent - source.sent + 60000).heard > 100000 and not listener.ended


def test_a_silent_source_is_dropped(start, play, join):
    server = start(source_timeout="1 s")
    source = play(server, "/live")
    listener = join(server, "/live").hear(1000)
    source.going = False
    server.wait_event("source-ended")
    server.wait_event("mount-ended")
    listener.hear(1 << 30)
    assert listener.ended
    assert get(server, "/live").status == 404


def test_a_body_in_chunks(start, join):
    server = start()
    source = Source(server, "/live", "Transfer-Encoding: chunked")
    plain, sent = source.connection.sendall, []

    def chunk(data):
        plain(b"%x;ignored=1\r\n" % len(data) + data + b"\r\n")
        sent.append(data)

    source.connection = type("Chunked", (), {"sendall": staticmethod(chunk), "close": source.connection.close})
    source.send(50000)
    listener = join(server, "/live").hear(40000)
    for size in (1, 7, 1000, 30000):
        source.send(size)
    listener.hear(31008)
    plain(b"0\r\n\r\n")
    server.wait_event("source-ended")
    source.connection.close()


@pytest.mark.parametrize("rubbish", [b"zz\r\n", b"5\r\nhelloXX5\r\n", b"-5\r\nhello\r\n", b"fffffffffffffffff\r\nx"])
def test_malformed_chunks_end_the_source(start, rubbish):
    server = start()
    source = Source(server, "/live", "Transfer-Encoding: chunked")
    source.connection.sendall(rubbish)
    server.wait_event("source-ended")
    source.connection.close()


def test_a_counted_body_ends_the_source(start, join):
    server = start()
    source = Source(server, "/live", "Content-Length: 20000")
    source.send(19999)
    join(server, "/live").hear(19000)
    assert not server.events("source-ended")
    source.send(1)
    server.wait_event("source-ended")
    source.connection.close()


def test_titles_within_the_source(start, join):
    """As SHOUTcast has them: taken out, converted, and told to whoever wants titles."""
    server = start(("/live", {"charset": "latin1"}), source_timeout="1 s", metadata_interval=1000)
    source = Source(server, "/live", "icy-metaint: 4000")
    listener = join(server, "/live", titles=True)
    for title in (b"Gr\xfcn", None, b"it's; fine", None):
        source.send(4000)
        text = b"" if title is None else b"StreamTitle='%s';" % title
        blocks = (len(text) + 15) // 16
        source.connection.sendall(bytes([blocks]) + text.ljust(blocks * 16, b"\0"))
        time.sleep(0.3)
    listener.hear(15900)
    source.stop()
    listener.hear(1 << 30)
    assert listener.titles[-1:] == ["it's; fine"]


@needs("ffmpeg")
@pytest.mark.parametrize("options", [(), ("-legacy_icecast", "1")], ids=["put", "source"])
def test_ffmpeg(start, options):
    server = start()
    with subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "sine", "-c:a", "libmp3lame", "-b:a",
                           "128k", "-f", "mp3", *options, "-ice_name", "Sine", listens_at(server)]) as source:
        try:
            server.wait_event("source-connected")
            found = subprocess.run(["ffprobe", "-loglevel", "error", "-show_entries", "format=format_name:format_tags",
                                    server.url + "/live"], capture_output=True, text=True, timeout=60)
            assert found.stderr == ""
            assert "format_name=mp3" in found.stdout and "icy-name=Sine" in found.stdout
        finally:
            source.terminate()
    server.wait_event("source-ended")


@needs("curl")
def test_curl(start, tmp_path, join):
    server = start()
    audio = tmp_path / "audio"
    from cast_support import BYTES
    audio.write_bytes(BYTES[:400000])
    with subprocess.Popen(["curl", "--silent", "--limit-rate", "60k", "-T", audio, "-H", "Content-Type: audio/aac", "-u",
                           "source:" + PASSWORD, server.url + "/live"]) as source:
        server.wait_event("source-connected")
        assert join(server, "/live").hear(100000).answer.headers["content-type"] == "audio/aac"
        assert source.wait(timeout=30) == 0


@needs("ezstream")
@needs("ffmpeg")
def test_ezstream(start, tmp_path):
    server = start()
    audio = tmp_path / "tone.mp3"
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "sine=duration=20", "-b:a", "64k", audio], check=True)
    settings = tmp_path / "ezstream.xml"
    settings.write_text("""<?xml version="1.0"?><ezstream>
<servers><server><protocol>HTTP</protocol><hostname>%s</hostname><port>%d</port><user>source</user><password>%s</password>
</server></servers>
<streams><stream><mountpoint>/live</mountpoint><format>MP3</format><stream_name>Tone</stream_name></stream></streams>
<intakes><intake><type>file</type><filename>%s</filename></intake></intakes></ezstream>""" % (*server.address, PASSWORD, audio))
    settings.chmod(0o600)
    with subprocess.Popen(["ezstream", "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as source:
        try:
            server.wait_event("source-connected")
            assert wait_for(lambda: b"Tone" in get(server, "/status-json.xsl").rest, "the name of the stream")
            found = subprocess.run(["ffprobe", "-loglevel", "error", "-show_entries", "format=format_name", server.url + "/live"],
                                   capture_output=True, text=True, timeout=60)
            assert "format_name=mp3" in found.stdout
        finally:
            source.terminate()
