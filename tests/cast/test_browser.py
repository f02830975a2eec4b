"""A page with an <audio> element, in a real browser: it plays what is on air."""
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cast_support import PASSWORD, needs, needs_cast, wait_for

pytestmark = [needs_cast, needs("ffmpeg"), needs("chromium")]

PAGE = """<!doctype html><title>waiting</title><audio id=a autoplay muted src="%s"></audio><script>
const audio = document.getElementById("a");
const told = text => fetch("/told?" + encodeURIComponent(text));
audio.addEventListener("timeupdate", () => { if (audio.currentTime > 1.5) { told("played " + audio.currentTime); audio.pause(); } });
audio.addEventListener("error", () => told("error " + audio.error.code + " " + audio.error.message));
fetch("%s", {headers: {"Icy-MetaData": "1"}}).then(answer => told("metaint " + answer.headers.get("icy-metaint")
    + " name " + answer.headers.get("icy-name"))).catch(error => told("refused " + error));
</script>"""


class Site:
    """Another origin than the server's: a page, and what it tells."""

    def __init__(self, url):
        self.told = told = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/told?"):
                    told.append(self.path.partition("?")[2])
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write((PAGE % (url, url)).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = "http://127.0.0.1:%d/" % self.server.server_port


@pytest.mark.parametrize("options", [("-c:a", "libmp3lame", "-f", "mp3"), ("-c:a", "libopus", "-f", "ogg"),
                                     ("-c:a", "libvorbis", "-f", "ogg")], ids=["mp3", "opus", "vorbis"])
def test_a_page_of_another_origin_plays(start, options, tmp_path):
    server = start()
    site = Site(server.url + "/live")
    source = subprocess.Popen(["ffmpeg", "-nostdin", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "sine", "-b:a", "96k",
                               *options, "-ice_name", "In the browser",
                               "icecast://source:%s@%s:%d/live" % (PASSWORD, *server.address)])
    server.wait_event("source-connected")
    browser = subprocess.Popen(
        [shutil.which("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
         "--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0", "--user-data-dir=%s" % tmp_path, site.url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: any(told.startswith("played") for told in site.told), "the page to play", 150)
        assert any(re.match("metaint%2016000%20name%20In%20the%20browser", told) for told in site.told), site.told
    finally:
        for process in (browser, source):
            process.terminate()
            process.wait(timeout=20)
        site.server.shutdown()
