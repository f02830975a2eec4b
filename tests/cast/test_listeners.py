"""Listeners: what they get, who is refused, and what becomes of the slow and of those whose source ends."""
import json
import subprocess
import time
from xml.etree import ElementTree

import pytest

from cast_support import ask, connect, get, needs, needs_cast, read_answer, wait_for

pytestmark = needs_cast


def test_a_burst_at_once(start, play, join):
    server = start(burst="40 KB")
    source = play(server, "/live", rate=1000)
    source.send(100000)
    server_took = wait_for(lambda: b"received_bytes_total{mount=\"/live\"} 10" in get(server, "/metrics").rest, "the bytes")
    assert server_took
    begun = time.monotonic()
    join(server, "/live").hear(39000)
    assert time.monotonic() - begun < 5  # at the rate of the source it would take 39 seconds


def test_every_byte_for_everybody(start, play, join):
    server = start()
    play(server, "/live", rate=200000)
    listeners = [join(server, "/live", titles=i % 2 == 0) for i in range(40)]
    for listener in listeners:
        listener.hear(400000)


def test_titles(start, play, join):
    server = start(metadata_interval=2000)
    play(server, "/live")
    plain, listener = join(server, "/live"), join(server, "/live", titles=True)
    assert listener.answer.headers["icy-metaint"] == "2000"
    assert "icy-metaint" not in plain.answer.headers
    for song in ("First", "Zweites%20St%C3%BCck", "it%27s%3B%20a%20trap"):
        answer = get(server, "/admin/metadata?mount=/live&mode=updinfo&song=" + song, admin=True)
        assert answer.status == 200 and b"Metadata update successful" in answer.rest
        listener.hear(8000)
    plain.hear(20000)
    assert listener.titles[:2] == ["First", "Zweites Stück"]
    assert listener.titles[2].startswith("it's")
    split = get(server, "/admin/metadata?mount=/live&mode=updinfo&song=x%0D%0AX-Evil:%201", admin=True)
    assert split.status == 200
    found = json.loads(get(server, "/status-json.xsl").rest)["icestats"]["source"]
    assert found["title"].startswith("x") and found["title"].endswith("X-Evil: 1") and "\n" not in found["title"]


def test_head_and_options(start, play):
    server = start()
    play(server, "/live")
    head = ask(server, "HEAD /live HTTP/1.1", "Icy-MetaData: 1")
    assert (head.status, head.rest, head.headers["icy-metaint"]) == (200, b"", "16000")
    options = ask(server, "OPTIONS /live HTTP/1.1", "Origin: http://elsewhere", "Access-Control-Request-Method: GET",
                  "Access-Control-Request-Headers: icy-metadata, range")
    assert options.status in (200, 204) and options.rest == b""
    allowed = options.headers["access-control-allow-headers"].lower()
    assert options.headers["access-control-allow-origin"] == "*" and "icy-metadata" in allowed and "range" in allowed
    assert "GET" in options.headers["access-control-allow-methods"]
    with connect(server) as connection:
        connection.sendall(b"GET /live HTTP/1.1\r\nOrigin: http://elsewhere\r\nRange: bytes=0-\r\n\r\n")
        answer = read_answer(connection)
    assert answer.status == 200 and answer.headers["accept-ranges"] == "none" and "content-range" not in answer.headers
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "icy-name" in answer.headers["access-control-expose-headers"].lower()


def test_what_is_not_there(start, play):
    server = start()
    assert get(server, "/live").status == 404
    assert ask(server, "DELETE / HTTP/1.1").status == 405 or ask(server, "DELETE / HTTP/1.1").status == 501
    assert get(server, "/live.m3u").status == 404
    assert get(server, "/../etc/passwd").status == 404
    assert get(server, "/%2e%2e/etc/passwd").status == 404


def test_playlists(start, play):
    server = start()
    play(server, "/a & b.mp3".replace(" ", "%20"), "ice-name: <Tone>")
    m3u = get(server, "/a%20&%20b.mp3.m3u").rest.decode()
    assert m3u.splitlines() == ["#EXTM3U", "#EXTINF:-1,<Tone>", "http://localhost/a%20%26%20b.mp3"]
    xspf = ElementTree.fromstring(get(server, "/a%20&%20b.mp3.xspf").rest)
    names = {"x": "http://xspf.org/ns/0/"}
    assert xspf.findtext(".//x:location", namespaces=names) == "http://localhost/a%20%26%20b.mp3"
    assert xspf.findtext(".//x:title", namespaces=names) == "<Tone>"


def test_the_limit_of_a_mount(start, play, join):
    server = start(("/live", {"max-listeners": 2}))
    play(server, "/live")
    play(server, "/other")
    first = join(server, "/live").hear(10)
    join(server, "/live").hear(10)
    assert get(server, "/live").status == 503
    join(server, "/other").hear(10)
    first.leave()
    wait_for(lambda: join(server, "/live").answer.status == 200, "a place")


def test_the_limit_of_the_server(start, play, join):
    server = start(max_listeners=2)
    play(server, "/live")
    join(server, "/live").hear(10)
    join(server, "/live").hear(10)
    refused = get(server, "/live")
    assert refused.status == 503 and refused.headers["retry-after"]
    assert get(server, "/").status == 200


def test_the_limit_of_an_address(start, play, join):
    server = start(max_listeners_per_address=2, trusted_proxies="127.0.0.1")
    play(server, "/live")
    first = join(server, "/live").hear(10)
    join(server, "/live").hear(10)
    assert get(server, "/live").status == 429
    join(server, "/live", "X-Forwarded-For: 192.0.2.7").hear(10)  # behind a proxy: another address
    first.leave()
    wait_for(lambda: join(server, "/live").answer.status == 200, "a place")


def test_denied_agents(start, play, join):
    server = start(deny_agents="BadBot, scraper")
    play(server, "/live")
    assert get(server, "/live", "User-Agent: Mozilla (badbot/2)").status == 403
    join(server, "/live", "User-Agent: good").hear(10)


def test_a_time_limit(start, play, join):
    server = start(("/live", {"time-limit": "2 s"}))
    play(server, "/live")
    play(server, "/other")
    limited, free = join(server, "/live"), join(server, "/other")
    limited.hear(1 << 30)
    assert limited.ended and limited.heard > 20000
    free.hear(10000)


def test_fallback_and_return(start, play, join):
    server = start(("/live", {"fallback": "/silence"}), source_timeout="1 s")
    play(server, "/silence", rate=8000, start=500000)
    listener = join(server, "/live").hear(5000)  # before there is a source
    source = play(server, "/live")
    listener.place = None
    wait_for(lambda: listeners_of(server) == {"/live": 1, "/silence": 0}, "the listener to come home")
    source.stop()
    server.wait_event("mount-ended")
    wait_for(lambda: listeners_of(server) == {"/silence": 1}, "the listener to fall back")
    assert not listener.ended


def listeners_of(server):
    found = json.loads(get(server, "/status-json.xsl").rest)["icestats"].get("source", [])
    found = found if isinstance(found, list) else [found]
    return {source["listenurl"].partition("localhost")[2]: source["listeners"] for source in found}


def test_another_type_is_no_fallback(start, play, join):
    server = start(("/live", {"fallback": "/aac"}), source_timeout="1 s")
    play(server, "/aac", kind="audio/aac")
    source = play(server, "/live")
    listener = join(server, "/live").hear(100)
    source.stop()
    listener.hear(1 << 30)
    assert listener.ended


def test_who_is_slow_is_moved_and_told_in_the_log(start, play, join):
    server = start(queue="200 KB", burst="10 KB", listener_timeout="30 s")
    source = play(server, "/live", rate=1000)
    listener, witness = join(server, "/live").hear(1), join(server, "/live").hear(1)
    for _ in range(60):
        source.send(50000)
        witness.hear(50000)
    listener.verify = lambda audio: setattr(listener, "heard", listener.heard + len(audio))
    listener.hear(200000)  # what the kernel held for him, and then what is newer
    event = server.wait_event("listener-slow")[0]
    assert "moved-ahead-bytes" in event and 'mount="/live"' in event
    listener.hear(100000)
    assert not listener.ended and len(server.events("listener-slow")) == 1


def test_who_takes_nothing_is_dropped(start, play, join):
    server = start(listener_timeout="2 s", queue="100 KB", burst="10 KB")
    source = play(server, "/live", rate=1000)
    listener, witness = join(server, "/live").hear(1), join(server, "/live")
    for _ in range(40):
        source.send(50000)
        witness.hear(50000)
    server.wait_event("listener-silent")
    wait_for(lambda: listeners_of(server) == {"/live": 1}, "the place to be free")
    listener.leave()
    witness.hear(3000)


@pytest.mark.parametrize("headers,address", [
    (("X-Forwarded-For: 198.51.100.7",), "198.51.100.7"),
    (("X-Forwarded-For: 203.0.113.9, 198.51.100.7",), "198.51.100.7"),
    (("X-Forwarded-For: 198.51.100.7, 127.0.0.1",), "198.51.100.7"),
    (("X-Forwarded-For: nonsense",), "127.0.0.1"), ((), "127.0.0.1")])
def test_forwarded_addresses(start, play, join, headers, address):
    server = start(trusted_proxies="127.0.0.1")
    get(server, "/forwarded", *headers)
    assert wait_for(lambda: [line for line in server.access.read_text().splitlines() if "/forwarded" in line],
                    "a line")[0].startswith(address + " ")


def test_forwarded_addresses_of_strangers_are_not_believed(start):
    server = start()
    get(server, "/forwarded", "X-Forwarded-For: 198.51.100.7")
    assert wait_for(server.access.read_text, "a line").startswith("127.0.0.1 ")


def test_the_access_log(start, play, join):
    server = start()
    play(server, "/live")
    listener = join(server, "/live", 'User-Agent: a "player" \\ ü', "Referer: http://page/").hear(5000)
    listener.leave()
    line = wait_for(lambda: [line for line in server.access.read_text().splitlines() if "GET /live" in line], "a line")[0]
    assert '"GET /live HTTP/1.1" 200 ' in line and r'"http://page/" "a \x22player\x22 \x5c \xc3\xbc"' in line
    assert int(line.split('HTTP/1.1" 200 ')[1].split()[0]) >= 5000


@needs("mpv")
def test_mpv(start, play, join):
    server = start()
    with subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "sine", "-b:a", "64k", "-f", "mp3",
                           "icecast://source:let-me-in@%s:%d/live" % server.address]) as source:
        try:
            server.wait_event("source-connected")
            played = subprocess.run(["mpv", "--no-config", "--ao=null", "--length=2", server.url + "/live"],
                                    capture_output=True, text=True, timeout=60)
            assert played.returncode == 0, played.stdout + played.stderr
        finally:
            source.terminate()
