"""The Python package's tests share the interpreters and helpers of the system tests, and import the package as it
was built, here and in the processes that they start."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "system"))

from support import BUILD

PACKAGES = str(BUILD / "python")
sys.path.insert(0, PACKAGES)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [PACKAGES, os.environ.get("PYTHONPATH")]))


def _need_redis():
    import redis_process

    pytest.importorskip("redis", reason="python3-redis is not installed")
    if redis_process.SERVER is None:
        pytest.skip("redis-tools is not installed")
    return redis_process


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    """One Redis for all tests of a process."""
    one = _need_redis().Server(tmp_path_factory.mktemp("redis"))
    yield one
    one.kill()


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory):
    """A node of a Redis Cluster of three, whose others are in its `nodes`."""
    servers = _need_redis().make_cluster(tmp_path_factory.mktemp("cluster"))
    servers[0].nodes = servers
    yield servers[0]
    for one in servers:
        one.kill()
