"""Servers under a load for minutes, in a build that meshes at every chance (-Dmesh_often=true): ./dev check soak.

    NEAP_BUILD=build-mesh NEAP_SOAK_SECONDS=1200 python3 -m pytest -n 2 tests/system/soak.py

Every answer is verified, no worker may end, and the threads of each were stopped meanwhile.
"""
import json
import os
import subprocess
import time

import pytest

from support import NEAP, Server, assert_ok, children, clean_environment, debian_python, free_port, needs_neap, program, run
import test_servers
from test_servers import MODULES, ask, load, settled_workers

packages = test_servers.packages  # the fixture
SECONDS = float(os.environ.get("NEAP_SOAK_SECONDS", 1200))
pytestmark = [needs_neap, pytest.mark.parametrize("python", [debian_python()], ids=str)]


def stops(pid):
    done = subprocess.run([NEAP, "stat", "--json", str(pid)], capture_output=True, text=True, env=clean_environment())
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["meshing"]["stops"]


@pytest.mark.parametrize("site", MODULES)
def test_site(python, packages, tmp_path, site):
    path, port = packages(site), free_port()
    command = [python.path, "-m", "gunicorn", "-w", "2", "--threads", "4", "--preload", "-b", "127.0.0.1:%d" % port,
               "--worker-tmp-dir", tmp_path, "web:site"]
    with Server(*command, port=port, log=tmp_path / "log", PYTHONPATH=path, NEAP_SITE=site) as server:
        workers = set(settled_workers(server.pid))
        end, rounds = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            load(port, requests=120, clients=8)
            assert set(children(server.pid)) == workers, "a worker has ended"
            rounds += 1
        taken = {pid: stops(pid) for pid in workers}
        assert all(count > rounds for count in taken.values()), taken
        assert ask(port, "/pid")["pid"] in workers
    text = server.log.read_text()
    assert "Traceback" not in text and "neap:" not in text, text
    print("%s: %d rounds, stops %s" % (site, rounds, sorted(taken.values())))


def test_kernel_writes(python, tmp_path):
    assert_ok(run(python, program("kernel_writes.py"), str(SECONDS), str(tmp_path), timeout=SECONDS + 300))
