"""The examples: they run as they stand."""
import configparser
import os
import re
import socket
import subprocess
import sys

import pytest

from cast_support import BUILD, BYTES, TREE, needs_cast, wait_for

CAST = TREE / "examples/cast"


def two_free_ports():
    """The first of two ports in a row that nobody has."""
    for _ in range(50):
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = first.getsockname()[1]
            try:
                socket.create_server(("127.0.0.1", port + 1)).close()
                return port
            except OSError:
                pass
    pytest.fail("there are no two free ports in a row")


@pytest.mark.skipif(not (BUILD / "python/neap").exists(), reason="the Python package was not built")
def test_a_station_in_a_few_lines(tmp_path):
    port = two_free_ports()
    log = tmp_path / "log"
    with open(log, "w") as out, subprocess.Popen(
            [sys.executable, CAST / "station.py", str(port)], stdout=out, stderr=out,
            env={**os.environ, "PYTHONPATH": str(BUILD / "python")}) as station:
        try:
            wait_for(lambda: "listen at" in log.read_text(), "the station")
            listeners = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(5)]
            for listener in listeners:
                listener.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert listener.recv(200).endswith(b"\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port + 1)) as source:
                source.sendall(BYTES[:100000])
                for listener in listeners:
                    heard = b""
                    while len(heard) < 98304:  # whole blocks
                        heard += listener.recv(65536)
                    assert heard == BYTES[:len(heard)]
                    listener.close()
                source.sendall(BYTES[:100000])
            assert station.poll() is None
        finally:
            station.terminate()
    assert log.read_text().count("\n") == 1, log.read_text()


def test_the_unit_starts_what_is_installed():
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(CAST / "neap-cast.service")
    assert unit["Service"]["DynamicUser"] == "yes" and unit["Service"]["CapabilityBoundingSet"] == ""
    assert unit["Service"]["ExecStart"].startswith("/usr/bin/neap-cast -c ")


@needs_cast
@pytest.mark.skipif(not os.path.exists("/usr/sbin/nginx"), reason="no nginx on this machine")
def test_behind_nginx(start, play, join, tmp_path):
    """The example's block, without its certificates and at a free port."""
    server = start(trusted_proxies="127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    block = (CAST / "nginx.conf").read_text()
    block = re.sub(r"listen 443 ssl;", "listen 127.0.0.1:%d;" % port, re.sub(r" *ssl_certificate.*\n", "", block))
    block = block.replace("127.0.0.1:8000", "%s:%d" % server.address)
    folder = server.folder
    (folder / "nginx.conf").write_text(
        "daemon off; pid %s/pid; error_log %s/nginx.log; events {} http { access_log off; client_body_temp_path %s/b; "
        "proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n%s}" % (*[folder] * 7, block))
    with subprocess.Popen(["/usr/sbin/nginx", "-c", folder / "nginx.conf", "-e", folder / "nginx.log"]) as proxy:
        try:
            direct, server.address = server.address, ("127.0.0.1", port)
            wait_for(lambda: socket.socket().connect_ex(server.address) == 0, "nginx")
            server.address = direct
            play(server, "/live")
            server.address = ("127.0.0.1", port)
            listener = join(server, "/live", titles=True, timeout=20, version="1.0")
            assert listener.answer.status == 200, listener.answer.rest
            listener.hear(60000)
            assert listener.answer.headers["icy-metaint"] == "16000"
            listener.leave()
            server.address = direct
        finally:
            proxy.terminate()
