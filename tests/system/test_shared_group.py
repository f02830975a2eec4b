"""A tool in the control group of what it looks at, as in `docker exec`: the target does not pay for the look."""
import contextlib
import json
import os
import subprocess
import uuid
from pathlib import Path

import pytest

from support import NEAP, clean_environment, debian_python

MB = 1 << 20
HOLD = ("import sys\nkept = [str(number) * 6 for number in range(700000)]\nprint('ready', flush=True)\n"
        "for line in sys.stdin: print(len(kept), flush=True)")
KINDS = [(Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"), (Path("/sys/fs/cgroup"), "memory.max")]


@contextlib.contextmanager
def group():
    """An empty group with a limit file, of the version that this machine has."""
    for root, limit in KINDS:
        folder = root / ("neap-test-" + uuid.uuid4().hex)
        try:
            folder.mkdir()
        except OSError:
            continue
        try:
            if (folder / limit).exists():
                yield folder, folder / limit
                return
        finally:
            folder.rmdir()
    pytest.skip("no control group with a memory limit can be made here")


def resident(pid):
    return int(Path("/proc/%d/statm" % pid).read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


@pytest.fixture
def shared_group():
    """A process that takes most of what its group may have; the group's folder and the process."""
    with group() as (folder, limit):
        process = subprocess.Popen([debian_python().path, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True, env=clean_environment(),
                                   preexec_fn=lambda: (folder / "cgroup.procs").write_text(str(os.getpid())))
        try:
            assert process.stdout.readline() == "ready\n"
            limit.write_text(str(resident(process.pid) + 48 * MB))  # its copy would not fit
            yield folder, process
        finally:
            process.communicate("", timeout=30)


@pytest.mark.parametrize("verb", ["look", "pins", "advise", "map"])
def test_a_look_from_inside_the_group(shared_group, verb):
    folder, process = shared_group
    done = subprocess.run([NEAP, verb, "--json", str(process.pid)], capture_output=True, text=True, env=clean_environment(),
                          preexec_fn=lambda: (folder / "cgroup.procs").write_text(str(os.getpid())))
    process.stdin.write("still there?\n")
    process.stdin.flush()
    assert process.stdout.readline() == "700000\n", "the target was ended"
    assert (done.returncode, done.stderr) == (0, "")
    if verb == "look":
        assert sum(row["count"] for row in json.loads(done.stdout)["rows"] if row["kind"] == "str") >= 700000


def test_a_copy_that_may_not_stop_the_target_is_refused(shared_group):
    folder, process = shared_group
    done = subprocess.run([NEAP, "look", "--no-pause", str(process.pid)], capture_output=True, text=True,
                          env=clean_environment(),
                          preexec_fn=lambda: (folder / "cgroup.procs").write_text(str(os.getpid())))
    assert done.returncode == 1 and "too little memory" in done.stderr and done.stderr.count("\n") == 1
    assert process.poll() is None
