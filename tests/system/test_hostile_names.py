"""Names that a target chose reach a terminal, a line of error and a report without their power."""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from support import NEAP, clean_environment, debian_python

PROGRAM = "py\x1b]0;OWNED\x07\x1b[31m\u202e\u2066\u061cpython"
FORGED = "py\nneap: forged\r\x1b[31m"
WAIT = """
import ctypes, sys, threading
libc = ctypes.CDLL(None)
libc.prctl(15, b"\\x1b[31mT\\n)(x", 0, 0, 0)
Hostile = type("T", (), {})
Hostile.__qualname__ = Hostile.__name__ = "a\\x1b[31mb\\nc\\u202ed\\u180ee"
Hostile.__module__ = "m\\nneap: forged"
kept = [Hostile() for _ in range(2000)]
print("ready", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def running(folder, name, **more):
    """A Python whose program has that name."""
    program = folder / name
    shutil.copy(os.path.realpath(debian_python().path), program)
    process = subprocess.Popen([str(program), "-c", WAIT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=clean_environment(), **more)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.communicate("", timeout=10)


@pytest.fixture(scope="module", params=[PROGRAM, FORGED], ids=["escapes", "lines"])
def target(tmp_path_factory, request):
    with running(tmp_path_factory.mktemp("hostile"), request.param) as pid:
        yield pid


def ask(*words, neap=NEAP, **more):
    return subprocess.run([neap, *map(str, words)], capture_output=True, text=True, env=clean_environment(), **more)


def assert_harmless(text):
    bad = [character for character in text
           if character < " " and character != "\n" or "\x7f" <= character < "\xa0" or character in "\u202e\u2066\u061c\u180e"]
    assert not bad, (bad, text)
    assert not any(line.lstrip().startswith("neap: forged") for line in text.splitlines()), text


@pytest.mark.parametrize("verb", ["stat", "look", "pins", "advise", "map"])
def test_a_report(target, verb):
    done = ask(verb, target)
    assert done.returncode == 0, done.stderr
    assert_harmless(done.stdout)
    if verb in ("look", "advise"):
        assert "a?[31mb?c?d?e" in done.stdout


@pytest.mark.parametrize("verb", ["stat", "look", "pins", "advise", "map"])
@pytest.mark.parametrize("folder", ["a\nb", "a\\012b"], ids=["line feed", "what it is shown as"])
def test_a_program_that_only_its_name_leads_to(folder, verb):
    """Without privilege its file is opened by its path, as /proc shows that."""
    other = {"user": 65534, "group": 65534, "extra_groups": [], "cwd": "/"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        inner = Path(place, folder)
        inner.mkdir()
        neap = shutil.copy(NEAP, place)
        with running(inner, "python3", **other) as pid:
            done = ask(verb, "--json", pid, neap=neap, **other)
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["program"] == "python3"
            assert_harmless(ask(verb, pid, neap=neap, **other).stdout)


@pytest.mark.parametrize("name", [PROGRAM, FORGED], ids=["escapes", "lines"])
def test_an_error_is_one_line(tmp_path, name):
    with running(tmp_path, name) as pid:
        done = ask("trim", pid)  # it is not under Neap
    assert done.returncode == 4 and done.stderr.count("\n") == 1
    assert_harmless(done.stderr)


def test_an_error_about_an_argument():
    done = ask("look", "12\nneap: forged\x1b[31m")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert_harmless(done.stderr)


def test_a_saved_map(target, tmp_path):
    """What another user can write into a file: names there are no better."""
    saved, forged = tmp_path / "saved.json", tmp_path / "forged.json"
    assert ask("map", "--json=%s" % saved, target).returncode == 0
    document = json.loads(saved.read_text())
    document["program"] = FORGED
    for span in document["spans"]:
        span["label"] = "/x/\x1b[31m\nneap: forged" + span.get("label", "")
    forged.write_text(json.dumps(document))
    for words in ((forged,), (saved, forged)):
        done = ask("map", *words)
        assert done.returncode == 0, done.stderr
        assert_harmless(done.stdout)
