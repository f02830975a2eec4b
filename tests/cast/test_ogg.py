"""Ogg: whoever joins later can decode, from headers that went by before he came."""
import subprocess

import pytest

from cast_support import PASSWORD, get, needs, needs_cast, wait_for

pytestmark = [needs_cast, needs("ffmpeg")]


@pytest.fixture
def ogg(start, request):
    codec, *options = request.param
    server = start(queue="256 KB", burst="16 KB")
    with subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "sine=440", "-ac", "2", "-ar", "48000",
                           "-c:a", codec, *options, "-metadata", "title=A tone", "-f", "ogg", "icecast://source:%s@%s:%d/live.ogg" % (PASSWORD, *server.address)]) as source:
        server.wait_event("source-connected")
        yield server
        source.terminate()


CODECS = pytest.mark.parametrize("ogg", [("libvorbis", "-b:a", "128k"), ("libopus", "-b:a", "96k"), ("flac",)], indirect=True,
                                 ids=["vorbis", "opus", "flac"])


def received(server):
    text = get(server, "/metrics").rest.decode()
    return int(text.partition('received_bytes_total{mount="/live.ogg"} ')[2].split("\n")[0] or 0)


@CODECS
def test_whoever_joins_late_can_decode(ogg):
    wait_for(lambda: received(ogg) > 60000, "a stream that has gone on for a while", 60)
    found = subprocess.run(["ffprobe", "-loglevel", "error", "-show_entries", "stream=codec_name,sample_rate:stream_tags=title",
                            ogg.url + "/live.ogg"], capture_output=True, text=True, timeout=60)
    assert "sample_rate=48000" in found.stdout and "TAG:title=A tone" in found.stdout
    decoded = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", ogg.url + "/live.ogg", "-t", "1", "-f", "null", "-"],
                             capture_output=True, text=True, timeout=60)
    assert decoded.returncode == 0 and "Header" not in decoded.stderr, decoded.stderr


@pytest.mark.parametrize("ogg", [("libopus", "-b:a", "96k")], indirect=True, ids=["opus"])
def test_the_first_bytes_are_those_of_a_page(ogg, join):
    wait_for(lambda: received(ogg) > 40000, "a stream that has gone on for a while", 60)
    listener = join(ogg, "/live.ogg")
    listener.verify = lambda audio: setattr(listener, "heard", listener.heard + len(audio))
    while len(listener.raw) < 20000:
        listener.raw += listener.connection.recv(65536)
    raw = listener.raw
    assert raw[:4] == b"OggS" and raw[5] & 2, "the first page begins a stream"
    at, pages = 0, 0
    while at + 27 <= len(raw) and at + 27 + raw[at + 26] <= len(raw):
        assert raw[at:at + 4] == b"OggS"
        at += 27 + raw[at + 26] + sum(raw[at + 27:at + 27 + raw[at + 26]])
        pages += 1
    assert pages >= 3
    assert b"OpusHead" in raw[:100] and b"OpusTags" in raw[:400]
