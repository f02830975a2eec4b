"""A target that plays with the files that Neap opens on its behalf: nothing hangs, nothing else is opened."""
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from support import NEAP, clean_environment

HERE = Path(__file__).resolve().parent
PATIENCE_S = 60


@pytest.fixture
def false_anchor(tmp_path):
    """A process with an anchor and a library that are none; its folder and its pid."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    program = tmp_path / "false_anchor"
    subprocess.run(["cc", "-I", HERE.parent.parent / "src", "-o", program, HERE / "programs" / "false_anchor.c"], check=True)
    process = subprocess.Popen([program, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    yield tmp_path, process.pid
    process.communicate("", timeout=PATIENCE_S)


def test_a_pipe_in_place_of_the_library(false_anchor):
    folder, pid = false_anchor
    done = subprocess.run([NEAP, "trim", str(pid)], capture_output=True, text=True, timeout=PATIENCE_S,
                          env=clean_environment())
    assert stat.S_ISFIFO((folder / "libneap-preload.so").stat().st_mode), "the target did not come to its trick"
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "did not answer" in done.stderr
