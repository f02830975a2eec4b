"""The administration, as Icecast's front ends ask for it."""
import json
import re
import subprocess
from xml.etree import ElementTree


from cast_support import ADMIN, PASSWORD, PROGRAM, Source, ask, authorization, get, needs_cast, wait_for

pytestmark = needs_cast


def admin(server, path):
    answer = get(server, "/admin/" + path, admin=True)
    return answer.status, ElementTree.fromstring(answer.rest)


def test_who_may_ask(start, play):
    server = start()
    play(server, "/live")
    for path in ("stats", "listclients?mount=/live", "killsource?mount=/live", "metadata?mount=/live&mode=updinfo&song=x"):
        assert get(server, "/admin/" + path).status == 401, path
    source = authorization("source", PASSWORD)
    assert get(server, "/admin/listclients?mount=/live", source).status == 401
    assert get(server, "/admin/metadata?mount=/live&mode=updinfo&song=x", source).status == 200  # for its own mount
    assert get(server, "/admin/metadata?mount=/none&mode=updinfo&song=x", source).status == 400


def test_without_a_password_it_is_closed(start):
    server = start(admin_password=None)
    assert get(server, "/admin/stats", authorization("admin", "")).status == 401


def test_passwords_cannot_be_tried_at_speed(start, play, join):
    server = start()
    play(server, "/live")
    listener = join(server, "/live")
    found = [get(server, "/admin/stats", authorization("admin", "guess %d" % i)).status for i in range(40)]
    assert found[0] == 401 and found[-1] == 429
    late = get(server, "/admin/stats", admin=True)
    assert late.status == 429 and late.headers["retry-after"]
    listener.hear(30000)
    assert len(server.events("wrong-password")) < 40


def test_listclients(start, play, join):
    server = start()
    play(server, "/live")
    for i in range(6):
        join(server, "/live", "User-Agent: <player> %d" % i).hear(10)
    status, found = admin(server, "listclients?mount=/live")
    assert status == 200 and found.find("source").get("mount") == "/live"
    assert found.findtext("source/Listeners") == "6"
    assert sorted(one.text for one in found.iter("UserAgent")) == ["<player> %d" % i for i in range(6)]
    assert {one.text for one in found.iter("IP")} == {"127.0.0.1"}
    assert len({one.text for one in found.iter("ID")}) == 6
    assert all(int(one.text) < 10 for one in found.iter("Connected"))
    assert admin(server, "listclients?mount=/none")[0] == 400
    assert admin(server, "listclients")[0] == 400


def test_killclient(start, play, join):
    server = start()
    play(server, "/live")
    listeners = [join(server, "/live", "User-Agent: %d" % i).hear(10) for i in range(4)]
    _, found = admin(server, "listclients?mount=/live")
    for one in found.iter("listener"):
        if one.findtext("UserAgent") == "2":
            status, answer = admin(server, "killclient?mount=/live&id=" + one.findtext("ID"))
    assert (status, answer.findtext("return")) == (200, "1")
    listeners[2].hear(1 << 30)
    assert listeners[2].ended
    listeners[1].hear(5000)
    assert admin(server, "killclient?mount=/live&id=99999")[0] == 400
    assert admin(server, "killclient?mount=/live&id=all")[0] == 400


def test_moveclients(start, play, join):
    server = start()
    play(server, "/a")
    play(server, "/b", start=300000)
    listeners = [join(server, "/a").hear(1000) for _ in range(5)]
    assert admin(server, "moveclients?mount=/a&destination=/none")[0] == 400
    status, answer = admin(server, "moveclients?mount=/a&destination=/b")
    assert status == 200 and "moved" in answer.findtext("message")
    assert admin(server, "listclients?mount=/b")[1].findtext("source/Listeners") == "5"
    assert not any(listener.ended for listener in listeners)


def test_killsource(start, play, join):
    server = start()
    source = Source(server, "/live").begin()
    listener = join(server, "/live").hear(100)
    assert admin(server, "killsource?mount=/live")[1].findtext("return") == "1"
    listener.hear(1 << 30)
    assert listener.ended and get(server, "/live").status == 404
    source.stop()


def test_stats(start, play, join):
    server = start()
    play(server, "/a", "ice-name: A & B")
    play(server, "/b")
    join(server, "/a").hear(10)
    _, found = admin(server, "stats")
    assert [one.get("mount") for one in found.iter("source")] == ["/a", "/b"]
    assert found.findtext("source/server_name") == "A & B" and found.findtext("source/listeners") == "1"
    assert len(list(admin(server, "stats?mount=/b")[1].iter("source"))) == 1


def test_status_json_is_icecasts(start, play):
    """None: no member; one: an object; several: an array. Clients of Icecast know it so."""
    server = start(("/hidden", {"hidden": "yes"}), hostname="radio.example", location="Here", admin_mail="me@here")
    stats = json.loads(get(server, "/status-json.xsl").rest)["icestats"]
    assert "source" not in stats
    assert (stats["host"], stats["location"], stats["admin"]) == ("radio.example", "Here", "me@here")
    play(server, "/a", "ice-audio-info: ice-bitrate=128", "ice-bitrate: 128")
    play(server, "/hidden")
    source = json.loads(get(server, "/status-json.xsl").rest)["icestats"]["source"]
    assert {"listenurl", "listeners", "listener_peak", "server_name", "server_type", "stream_start",
            "stream_start_iso8601", "server_description", "genre", "bitrate"} <= set(source)
    assert source["listenurl"] == "http://localhost/a" and source["bitrate"] == 128
    play(server, "/b")
    assert len(json.loads(get(server, "/status-json.xsl").rest)["icestats"]["source"]) == 2


def test_metrics(start, play, join):
    server = start()
    play(server, "/a")
    join(server, "/a").hear(1000)
    text = get(server, "/metrics").rest.decode()
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .+|\w+(\{mount=\"[^\"]*\"\})? \d+", line), line
    assert 'neap_cast_mount_listeners{mount="/a"} 1' in text.splitlines()
    assert "neap_cast_listeners 1" in text.splitlines()


def test_answers_to_head(start):
    server = start()
    for path in ("/", "/status-json.xsl", "/metrics"):
        head, whole = ask(server, "HEAD %s HTTP/1.1" % path), get(server, path)
        assert head.status == 200 and head.rest == b""
        assert abs(int(head.headers["content-length"]) - len(whole.rest)) < 20



def test_many_ask_while_many_listen(start, play, join):
    server = start()
    play(server, "/live", rate=100000)
    listeners = [join(server, "/live") for _ in range(30)]
    for _ in range(20):
        assert admin(server, "listclients?mount=/live")[0] == 200
        assert ADMIN not in get(server, "/").rest.decode()
    for listener in listeners:
        listener.hear(50000)
    assert wait_for(lambda: admin(server, "listclients?mount=/live")[1].findtext("source/Listeners") == "30", "all")


def test_neap_cast_status(start, play, join):
    server = start()
    play(server, "/a.mp3", "ice-name: Ein Nam\x85e \u202eübel")
    play(server, "/b.mp3")
    get(server, "/admin/metadata?mount=/b.mp3&mode=updinfo&song=" + "%C3%BC" * 100, admin=True)
    join(server, "/a.mp3").hear(10)
    address = "%s:%d" % server.address
    result = subprocess.run([PROGRAM, "status", address], capture_output=True, text=True, timeout=20)
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and lines[0].startswith(address + ": Neap cast ") and "2 mounts on air" in lines[0]
    assert re.match(r"/a\.mp3 +1 +1  mpeg +Ein Nam", lines[3]) and "\u202e" not in lines[3]
    assert re.match(r"/b\.mp3 +0 +0  mpeg +ü+$", lines[4]) and max(map(len, lines)) <= 80
    refused = subprocess.run([PROGRAM, "status", "127.0.0.1:1"], capture_output=True, text=True, timeout=20)
    assert refused.returncode == 1 and "is the server running?" in refused.stderr
    assert subprocess.run([PROGRAM, "status", "x", "y"], capture_output=True, timeout=20).returncode == 2
