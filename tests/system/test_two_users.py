"""Root and another user on one machine: what the other one has laid out does not lead root astray."""
import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support import BUILD, NEAP, clean_environment, debian_python, describe, needs_64_bits, needs_neap

pytestmark = [needs_neap, needs_64_bits,
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be two users")]

THEM = 65534
PATIENCE_S = 60
SECRET = "root's own\n"
HOLD = "import sys; kept = [str(n) for n in range(20000)]; print('ready', flush=True); sys.stdin.read()"
FORMS = [("look", "--json"), ("pins", "--json"), ("advise", "--json"), ("map", "--json"), ("map", "--html"), ("map", "--svg"),
         ("stat", "--json")]
SAVES = {
    "Map": "kept = neap.Map('u32', 'u32'); kept[1] = 2; kept.save(path)",
    "FrozenTrie": "kept = neap.Trie('str', 'u32'); kept['a'] = 2; kept.freeze().save(path)",
}


@contextlib.contextmanager
def theirs(program=None, code=HOLD, **more):
    """A process of the other user."""
    process = subprocess.Popen([str(program or debian_python().path), "-c", code], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env=clean_environment(), user=THEM, group=THEM,
                               extra_groups=[], cwd="/", **more)
    try:
        assert process.stdout.readline() == "ready\n"
        yield process.pid
    finally:
        process.communicate("", timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def pid():
    with theirs() as pid:
        yield pid


@pytest.fixture
def shared(tmp_path):
    """A folder like /tmp, and beside it a file that only root may read."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    return folder


def lay_out(kind, folder):
    """What the other user puts at the place where root is going to write; returns the place."""
    place = folder / "report"
    if kind == "file":
        place.write_text("theirs")
        os.chown(place, THEM, THEM)
        place.chmod(0o6777)
    elif kind == "pipe":
        os.mkfifo(place)
        os.chown(place, THEM, THEM)
    else:
        place.symlink_to(folder.parent / ("secret" if kind == "link" else "new"))
        os.lchown(place, THEM, THEM)
    return place


def neap(*words):
    return subprocess.run([NEAP, *map(str, words)], capture_output=True, text=True, timeout=PATIENCE_S, env=clean_environment(),
                          stdin=subprocess.DEVNULL)


def assert_ours(place):
    """A file of root's without a right that the other one chose."""
    found = place.lstat()
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_ISREG(found.st_mode) and found.st_uid == 0
    assert stat.S_IMODE(found.st_mode) == 0o666 & ~umask


def assert_untouched(folder, kind):
    assert (folder.parent / "secret").read_text() == SECRET and not (folder.parent / "new").exists()
    place = folder / "report"
    assert place.is_symlink() if "link" in kind else stat.S_ISFIFO(place.lstat().st_mode)
    assert os.listdir(folder) == ["report"]


# ---- writing ------------------------------------------------------------------------------------

@pytest.mark.parametrize("verb, form", FORMS)
def test_a_report_over_their_file(pid, shared, verb, form):
    place = lay_out("file", shared)
    done = neap(verb, "%s=%s" % (form, place), pid)
    assert done.returncode == 0, describe(done)
    assert_ours(place)
    assert place.read_text()[:1] in "{<" and os.listdir(shared) == ["report"]


@pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe"])
@pytest.mark.parametrize("verb, form", FORMS)
def test_a_report_over_their_link_or_pipe(pid, shared, verb, form, kind):
    done = neap(verb, "%s=%s" % (form, lay_out(kind, shared)), pid)
    assert done.returncode == 3 and done.stderr.count("\n") == 1 and "another user" in done.stderr, describe(done)
    assert_untouched(shared, kind)


def save(what, place):
    code = "import sys, neap; path = sys.argv[1]; %s" % SAVES[what]
    return subprocess.run([sys.executable, "-c", code, place], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=clean_environment(PYTHONPATH=str(BUILD / "python")))


needs_package = pytest.mark.skipif(not (BUILD / "python" / "neap").exists(), reason="the Python package is not built")


@needs_package
@pytest.mark.parametrize("what", SAVES)
def test_a_container_over_their_file(shared, what):
    place = lay_out("file", shared)
    done = save(what, place)
    assert done.returncode == 0, describe(done)
    assert_ours(place)


@needs_package
@pytest.mark.parametrize("kind", ["link", "link to nothing", "pipe"])
@pytest.mark.parametrize("what", SAVES)
def test_a_container_over_their_link_or_pipe(shared, what, kind):
    place = lay_out(kind, shared)
    done = save(what, place)
    secret, new = shared.parent / "secret", shared.parent / "new"
    assert secret.read_text() == SECRET and not new.exists(), describe(done)
    assert done.returncode == 1 and "Error" in done.stderr, describe(done)


STREAM = """
import os, sys, neap
name = sys.argv[1]
if os.fork() == 0:  # a writer that dies leaves its stream, for the next one to go on with
    stream = neap.Stream.shared(name, 4096, 4)
    stream.write(b"theirs" * 1000)
    os._exit(0)
os.wait()
os.chown("/dev/shm/neap." + name, %d, %d)
before = open("/dev/shm/neap." + name, "rb").read()
try:
    neap.Stream.shared(name, 4096, 4)
except PermissionError:
    assert open("/dev/shm/neap." + name, "rb").read() == before
    print("refused")
finally:
    os.unlink("/dev/shm/neap." + name)
""" % (THEM, THEM)


@needs_package
def test_their_stream_is_not_written_to():
    done = subprocess.run([sys.executable, "-c", STREAM, "test-%d" % os.getpid()], capture_output=True, text=True,
                          timeout=PATIENCE_S, env=clean_environment(PYTHONPATH=str(BUILD / "python")))
    assert done.stdout == "refused\n", describe(done)


# ---- reading ------------------------------------------------------------------------------------

@pytest.mark.parametrize("words", [("look", "--core"), ("pins", "--core"), ("advise", "--core"), ("map", "--core"), ("map",)],
                         ids=" ".join)
def test_their_pipe_is_not_waited_for(shared, words):
    done = neap(*words, lay_out("pipe", shared))
    assert done.returncode == 1 and done.stderr.count("\n") == 1, describe(done)


@pytest.mark.parametrize("words", [("look", "--core"), ("map", "--core"), ("map",)], ids=" ".join)
def test_their_link_tells_nothing_of_what_it_leads_to(shared, words):
    done = neap(*words, lay_out("link", shared))
    assert done.returncode == 1 and SECRET.strip() not in done.stdout + done.stderr


@pytest.mark.parametrize("verb", ["look", "pins", "advise", "map", "stat"])
def test_their_process(pid, verb):
    done = neap(verb, pid)
    assert done.returncode == 0 and not done.stderr, describe(done)


def test_their_process_has_nothing_to_trim(pid):
    done = neap("trim", pid)
    assert done.returncode == 4 and "not under Neap" in done.stderr


@pytest.fixture
def swapped():
    """A Python of theirs, and a function that puts something else in the place of its program's file."""
    folder = Path(tempfile.mkdtemp())  # where another user can reach it
    folder.chmod(0o755)
    program = folder / "python3"
    shutil.copy(os.path.realpath(debian_python().path), program)
    program.chmod(0o755)

    def swap(kind):
        program.unlink()
        if kind == "pipe":
            os.mkfifo(program)
        elif kind == "link":
            program.symlink_to("/etc/shadow")
        elif kind == "device":
            os.mknod(program, 0o666 | stat.S_IFCHR, os.makedev(5, 2))  # /dev/ptmx

    with theirs(program) as pid:
        yield pid, swap
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["nothing", "pipe", "link", "device"])
def test_what_they_put_in_the_place_of_their_program(swapped, kind):
    """It is never opened: the file that is mapped is, or none."""
    pid, swap = swapped
    swap(kind)
    for verb in ("look", "stat", "map"):
        done = neap(verb, pid)
        assert done.returncode in (0, 4) and done.stderr.count("\n") <= 1, describe(done)
