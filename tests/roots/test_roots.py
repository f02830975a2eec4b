"""The system tests in bare Debian roots: other Pythons, 32 bits, a newcomer's first commands.

Slow (minutes a root) and run by `./dev check` only. Needs root; a root is made
once and kept, see `enter`.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ENTER = Path(__file__).resolve().parent / "enter"
CLOSING_LINE = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", re.MULTILINE)

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("debootstrap") is None, reason="needs root and debootstrap"
)


def enter(root, *command):
    return subprocess.run([str(ENTER), root, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize(
    "root, packages, stages",
    [
        ("bookworm", "", []),  # a newcomer's machine: everything
        ("bookworm-i386", "", ["unit", "layers", "python"]),  # a true 32-bit Python 3.11
        ("trixie", "", ["unit", "python"]),  # 3.13
        ("sid", "python3.14 python3.15", ["unit", "python"]),
    ],
)
def test_root(root, packages, stages):
    more = f"apt-get -qq update && apt-get -qq install -y {packages} >/dev/null && " if packages else ""
    run = enter(root, "sh", "-c", f"{more}exec ./dev test {' '.join(stages)}")
    counts = CLOSING_LINE.findall(run.stdout)
    assert counts, f"{root}: no closing line\n{run.stdout[-3000:]}"
    passed, failed, _ = map(int, counts[-1])
    assert run.returncode == 0 and failed == 0 and passed > 0, f"{root}:\n{run.stdout[-6000:]}"
