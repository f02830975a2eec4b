"""`--from-icecast`: a configuration of Icecast becomes settings that the server starts with."""
import subprocess
from pathlib import Path

import pytest

from cast_support import BUILD, PROGRAM, get, needs_cast

pytestmark = needs_cast

DEBIAN = Path("/etc/icecast2/icecast.xml")
SHORT = """<?xml version="1.0"?>
<icecast>
    <location>Earth</location>
    <!-- a comment -->
    <limits><clients>100</clients><sources>2</sources><queue-size>524288</queue-size></limits>
    <authentication>
        <source-password>hackme</source-password>
        <relay-password>hackme</relay-password>
        <admin-user>admin</admin-user>
        <admin-password>hackme</admin-password>
    </authentication>
    <hostname>localhost</hostname>
    <listen-socket><port>8000</port></listen-socket>
    <http-headers><header name="Access-Control-Allow-Origin" value="*" /></http-headers>
    <mount><mount-name>/own</mount-name><username>me</username><password>hackme-too</password>
        <stream-name>Own</stream-name><intro>/intro.mp3</intro></mount>
    <paths><logdir>/var/log/icecast2</logdir><ssl-certificate>/etc/cert.pem</ssl-certificate></paths>
    <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog></logging>
</icecast>
"""


def convert(file, program=(PROGRAM,), **options):
    return subprocess.run([*program, "--from-icecast", file], capture_output=True, text=True, timeout=30, **options)


def values(settings):
    """The values in [server], by their keys."""
    server = settings.split("\n[mount ")[0]
    return dict(line.split(" = ", 1) for line in server.splitlines() if " = " in line and not line.startswith("#"))


@pytest.fixture(params=["debian", "short"])
def icecast(request, tmp_path):
    if request.param == "debian" and not DEBIAN.is_file():
        pytest.skip("no icecast2 on this machine, whose icecast.xml this is about")
    file = tmp_path / "icecast.xml"
    file.write_text(DEBIAN.read_text() if request.param == "debian" else SHORT)
    return file


def test_what_it_makes_is_valid(icecast, tmp_path):
    converted = convert(icecast)
    assert converted.returncode == 0, converted.stderr
    made = values(converted.stdout)
    assert made["source-password"] == made["admin-password"] == "hackme"
    assert (made["listen"], made["max-listeners"], made["queue"]) == ("0.0.0.0:8000", "100", "524288")
    assert made["access-log"] == "/var/log/icecast2/access.log"
    file = tmp_path / "cast.conf"
    file.write_text(converted.stdout)
    checked = subprocess.run([PROGRAM, "--check", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


def test_each_setting_has_a_line(icecast):
    notes = convert(icecast).stderr
    lines = notes.splitlines()
    xml = icecast.read_text().splitlines()
    assert len(lines) > 10 and "hackme" not in notes
    for line in lines:
        assert line.startswith("%s:" % icecast), line
        number, element = line[len("%s:" % icecast):].split(": <")[0], line.split(": <")[1].split(">")[0]
        assert "<" + element.split(" ")[0] in xml[int(number) - 1], line
        assert ": carried over as " in line or ": not carried over: " in line or ": needs nothing: " in line, line
    assert "<queue-size> 524288: carried over as queue = 524288\n" in notes


def test_a_source_signs_in_with_the_old_password(icecast, start, play, join):
    made = values(convert(icecast).stdout)
    made.update({"listen": "127.0.0.1:0", "loops": "2"})
    del made["access-log"], made["error-log"]  # they are in folders of the system
    server = start(access_log=None, **{key.replace("-", "_"): value for key, value in made.items()})
    play(server, "/live", password="hackme")
    join(server, "/live").hear(20000)
    assert b"Earth" in get(server, "/").rest


def test_a_mount_of_its_own(tmp_path):
    file = tmp_path / "icecast.xml"
    file.write_text(SHORT)
    converted = convert(file, (BUILD / "neap", "cast"))
    assert converted.returncode == 0, converted.stderr
    section = converted.stdout.split("\n[mount /own]\n")[1]
    for line in ("source-user = me", "source-password = hackme-too", "stream-name = Own"):
        assert "\n%s\n" % line in section
    assert ":17: <ssl-certificate>: not carried over: put a proxy in front, see docs/cast.md\n" in converted.stderr
    assert ":16: <intro>: not carried over: " in converted.stderr


@pytest.mark.parametrize("text,message", [
    ("[server]\nlisten = 127.0.0.1:8000\n", ":1: this is no XML: "), ("<icecast>\n<limits>", ":2: this is no XML: "),
    ("<html></html>", ":1: this is no configuration of Icecast"),
    ("<!DOCTYPE icecast [<!ENTITY a 'a'><!ENTITY b '&a;&a;'>]><icecast><admin>&b;</admin></icecast>", "declares an entity"),
    ("<icecast/>" + " " * (1 << 20), ": it is over a megabyte")],
    ids=["settings", "cut", "other", "entities", "large"])
def test_a_file_that_is_refused(tmp_path, text, message):
    file = tmp_path / "icecast.xml"
    file.write_text(text)
    converted = convert(file)
    assert converted.returncode == 1 and converted.stdout == "", converted
    assert message in converted.stderr and converted.stderr.count("\n") == 1, converted.stderr


def test_files_that_cannot_be_used(tmp_path):
    missing = convert(tmp_path / "missing")
    assert missing.returncode == 1 and missing.stderr.endswith("missing: No such file or directory\n")
    folder = convert(tmp_path)
    assert folder.returncode == 1 and folder.stderr.endswith(": Is a directory\n"), folder.stderr
    file = tmp_path / "icecast.xml"
    file.write_text(SHORT)
    with open("/dev/full", "w") as full:
        written = subprocess.run([PROGRAM, "--from-icecast", file], stdout=full, stderr=subprocess.PIPE, text=True)
    assert written.returncode == 1 and "the settings cannot be written: No space left on device" in written.stderr
