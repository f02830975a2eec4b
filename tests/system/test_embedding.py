"""C programs with Python inside: initialised and finalised again and again, or loaded late."""
import os
import shutil
import subprocess

import pytest

from support import Talk, ask_neap, assert_ok, heap_stats, needs_neap, program, pythons, run_command
import witness


def embeddable(python):
    """Whether the interpreter comes with headers and a shared library."""
    return os.path.exists(os.path.join(python.include, "Python.h")) and ".so" in python.library and os.path.exists(
        python.library)


@pytest.fixture(params=pythons())
def python(request):
    if not embeddable(request.param):
        pytest.skip("%s: no headers or no shared library" % request.param)
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    return request.param


def settings(python, **more):
    """The embedded interpreter must find its own library of modules, not that of a python3 on the path."""
    home = subprocess.run([python.path, "-c", "import sys; print(sys.base_prefix)"], capture_output=True, text=True)
    return {"PYTHONHOME": home.stdout.strip(), "NEAP_PROGRAMS": program(""), **more}


def compiled(python, name, folder, *libraries):
    target = str(folder / name)
    command = ["cc", "-O1", "-Wall", "-o", target, program(name + ".c"), "-I", python.include, *libraries]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return target


@pytest.mark.parametrize("mode", [{}, {"NEAP_CHECK": "1"}, {"NEAP_HARDEN": "1"}], ids=["plain", "check", "harden"])
def test_five_lives(python, tmp_path, mode):
    """The heap outlives each interpreter and serves the next."""
    library = os.path.dirname(python.library)
    embedded = compiled(python, "embed_cycle", tmp_path, "-L", library, "-Wl,-rpath," + library, "-l:" + os.path.basename(
        python.library))
    assert_ok(run_command(embedded, program("embedded.py"), **settings(python, NEAP_MUST_SERVE="1", **mode)))


def test_library_loaded_late(python, tmp_path):
    embedded = compiled(python, "embed_late", tmp_path, "-ldl")
    assert_ok(run_command(embedded, python.library, program("embedded.py"), **settings(python)))


@needs_neap
def test_library_loaded_late_is_served_or_refused(python, tmp_path):
    """`neap stat` says which, and why."""
    embedded = compiled(python, "embed_late", tmp_path, "-ldl")
    with Talk(embedded, python.library, program("embedded.py"), "wait", **settings(python)) as talk:
        assert talk.hear() == "ok"
        anchor = witness.anchor(talk.pid)
        if anchor.state == witness.SERVING:
            assert heap_stats(talk.pid)["live_bytes"] > 0
        else:
            assert anchor.state == witness.REFUSED and anchor.reason
            assert anchor.reason in ask_neap("stat", talk.pid).stderr
        assert talk.end() == 0
