"""What analyses foreign bytes has no rights while it does, and everything works as it does with them."""
import contextlib
import difflib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support import NEAP, PROGRAMS, clean_environment, debian_python, needs_64_bits, needs_neap

pytestmark = [needs_neap, needs_64_bits]

HOLD = "import sys; kept = [str(n) for n in range(30000)]; print('ready', flush=True); sys.stdin.read()"
VERBS = ["look", "pins", "advise", "map"]
F_SETPIPE_SZ = 1031


@contextlib.contextmanager
def holding(**more):
    process = subprocess.Popen([debian_python().path, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env=clean_environment(), **more)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.communicate("", timeout=30)


@pytest.fixture(scope="module")
def pid():
    with holding() as pid:
        yield pid


def status(pid):
    return dict(line.split(":\t", 1) for line in Path("/proc/%d/status" % pid).read_text().splitlines())


def children(pid):
    """By the parent that each process of the machine names."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if folder.name.isdigit() and int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(folder.name))
    return found


def wait_for(what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.005)
    pytest.fail("it did not come to that in %d s" % seconds)


def is_printing(pid):
    return "pipe_write" in Path("/proc/%d/wchan" % pid).read_text()


@contextlib.contextmanager
def printing(*words, **environment):
    """A neap that cannot print on, since its output is read by no one; and its worker, which waits there. Without
    a worker, neap itself waits."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 4096)
    os.write(writer, b"x" * 4096)
    process = subprocess.Popen([NEAP, *map(str, words)], stdout=writer, stderr=subprocess.PIPE, text=True,
                               env=clean_environment(**environment))
    os.close(writer)
    try:
        yield process, wait_for(lambda: next(filter(is_printing, [process.pid, *children(process.pid)]), None))
    finally:
        os.close(reader)
        process.communicate(timeout=30)


def seccomp_exists():
    text = subprocess.run([NEAP, "help", "settings"], capture_output=True, text=True, check=True).stdout
    return "\nseccomp: available\n" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to have something to give up")
@pytest.mark.parametrize("option", ["--pause", "--no-pause", "--low-memory"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_worker_has_no_rights(pid, verb, option):
    with printing(verb, "--json", option, pid) as (_, worker):
        found = status(worker)
        assert found["Uid"].split() == found["Gid"].split() == ["65534"] * 4 and not found["Groups"].split()
        assert int(found["CapEff"], 16) == int(found["CapPrm"], 16) == 0
        assert found["NoNewPrivs"] == "1"
        if seccomp_exists():
            assert found["Seccomp"] == "2"


def test_nothing_that_is_open_can_change_a_file(pid):
    with printing("look", "--json", pid) as (_, worker):
        for link in Path("/proc/%d/fd" % worker).iterdir():
            flags = int(next(line for line in Path("/proc/%d/fdinfo/%s" % (worker, link.name)).read_text().splitlines()
                             if line.startswith("flags:")).split()[1], 8)
            assert flags & os.O_ACCMODE == os.O_RDONLY or int(link.name) <= 2 or os.readlink(link).startswith("pipe:"), link


def without_chance(members):
    """Times, and what depends on where neap's own containers put things: the sizes that advise measures."""
    return {name: value for name, value in members.items()
            if name not in ("pause_ns", "source") and not (name == "bytes" and "as" in members)}


def report(*words, **environment):
    done = subprocess.run([NEAP, *map(str, words)], capture_output=True, text=True, timeout=120,
                          env=clean_environment(**environment))
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.dumps(json.loads(done.stdout, object_hook=without_chance), indent=1).splitlines()


def difference(before, after):
    return "\n".join(difflib.unified_diff(before, after, "confined", "not confined", lineterm="", n=8))


@pytest.mark.parametrize("option", ["--pause", "--low-memory"])
@pytest.mark.parametrize("verb", VERBS)
def test_the_report_is_the_same(pid, verb, option):
    assert difference(report(verb, "--json", option, pid), report(verb, "--json", option, pid, NEAP_CONFINE="0")) == ""


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """A core file of a process that has ended, but whose files are where they were."""
    if shutil.which("gcore") is None:
        pytest.skip("there is no gcore (gdb)")
    folder = tmp_path_factory.mktemp("core")
    with holding() as pid:
        subprocess.run(["gcore", "-o", folder / "core", str(pid)], check=True, capture_output=True)
    yield folder / ("core.%d" % pid)
    shutil.rmtree(folder)


@pytest.mark.parametrize("verb", VERBS)
def test_a_core_file(core, verb):
    found = report(verb, "--json", "--core", core)
    assert difference(found, report(verb, "--json", "--core", core, NEAP_CONFINE="0")) == ""
    if verb == "look":
        assert next(row for row in json.loads("".join(found))["rows"] if row["kind"] == "str")["count"] > 30000


def test_saved_maps(pid, tmp_path):
    saved = [tmp_path / name for name in ("a.json", "b.json")]
    for path in saved:
        subprocess.run([NEAP, "map", "--json=%s" % path, str(pid)], check=True, stdout=subprocess.DEVNULL)
    assert difference(report("map", "--json", saved[0]), report("map", "--json", saved[0], NEAP_CONFINE="0")) == ""
    assert difference(report("map", "--json", *saved), report("map", "--json", *saved, NEAP_CONFINE="0")) == ""


def test_files_are_written_with_all_rights(pid, tmp_path):
    """Into a folder in which only its owner may write, and with bytes that are those of standard output."""
    tmp_path.chmod(0o700)
    page, picture, document = (tmp_path / name for name in ("a.html", "a.svg", "a.json"))
    done = subprocess.run([NEAP, "map", "--html", page, "--svg", picture, "--json=%s" % document, str(pid)],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean_environment())
    assert (done.returncode, done.stderr) == (0, b"")
    assert page.read_text().startswith("<!doctype html>") and picture.read_text().endswith("</svg>\n")
    assert json.loads(document.read_text())["schema"] == "neap.map/1"
    assert {path.stat().st_uid for path in tmp_path.iterdir()} == {os.geteuid()}


def test_switched_off(pid):
    with printing("look", "--json", pid, NEAP_CONFINE="0") as (process, worker):
        assert worker == process.pid and status(worker)["Uid"].split()[0] == str(os.geteuid())
        assert not children(worker) and status(worker)["CapEff"] == status(os.getpid())["CapEff"]
    done = subprocess.run([NEAP, "look", str(pid)], capture_output=True, text=True, env=clean_environment(NEAP_CONFINE="no"))
    assert done.returncode == 0 and done.stderr == "neap: ignoring NEAP_CONFINE=no: it takes 0 or 1\n"


def test_where_there_are_no_filters(pid, tmp_path):
    """It goes on without, gives up the rest, and `neap help settings` says so."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "without_filters"
    subprocess.run(["cc", "-o", program, PROGRAMS / "without_filters.c"], check=True)
    for verb in VERBS:
        done = subprocess.run([program, NEAP, verb, "--json", str(pid)], capture_output=True, text=True, env=clean_environment())
        assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)
    text = subprocess.run([program, NEAP, "help", "settings"], capture_output=True, text=True, check=True).stdout
    assert "\nseccomp: refused\n" in text and "CONFIG_SECCOMP_FILTER" in text


# ---- ends ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("number, said", [(signal.SIGSEGV, "failed at what it read"), (signal.SIGSYS, "may not"),
                                          (signal.SIGBUS, "became shorter"), (signal.SIGKILL, "was killed")])
def test_a_worker_that_ends(pid, number, said):
    with printing("look", "--json", pid) as (process, worker):
        os.kill(worker, number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1 and errors.startswith("neap: ") and errors.count("\n") == 1 and said in errors


def test_no_file_is_written_when_it_ends_so(pid, tmp_path):
    with printing("look", "--json=%s" % (tmp_path / "report"), pid) as (process, worker):
        os.kill(worker, signal.SIGSEGV)
        process.communicate(timeout=30)
    assert process.returncode == 1 and not os.listdir(tmp_path)


def test_a_signal_that_was_sent_ends_both(pid):
    with printing("look", "--json", pid) as (process, worker):
        os.kill(worker, signal.SIGTERM)
        process.communicate(timeout=30)
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_does_not_outlive_its_owner(number):
    """And the target that it holds goes on."""
    with holding() as pid, printing("look", "--json", "--low-memory", pid) as (process, worker):
        process.send_signal(number)
        process.communicate(timeout=30)
        assert process.returncode == -number
        wait_for(lambda: not Path("/proc/%d" % worker).exists() or status(worker)["State"].startswith("Z"))
        wait_for(lambda: not status(pid)["State"].startswith(("t", "T")))
