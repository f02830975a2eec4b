"""Servers, sources and listeners that end with their test."""
import os
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from cast_support import Listener, Server, Source  # noqa: E402


@pytest.fixture
def start():
    """Starts servers; each is stopped as an operator does it, and has to end well."""
    started = []
    # Not in tmp_path, whose parents only root may enter: the server becomes another user.
    with tempfile.TemporaryDirectory(prefix="neap-cast-") as top:
        os.chmod(top, 0o755)

        def begin(*mounts, **settings):
            folder = Path(top) / ("server%d" % len(started))
            folder.mkdir()
            started.append(Server(folder, *mounts, **settings))
            return started[-1]

        yield begin
        for server in started:
            if not server.stopped:
                server.stop()


@pytest.fixture
def play():
    """Starts sources that are stopped at the end."""
    started = []

    def begin(*arguments, **options):
        started.append(Source(*arguments, **options).begin())
        return started[-1]

    yield begin
    for source in started:
        source.stop()


@pytest.fixture
def join():
    """Starts listeners that leave at the end."""
    joined = []

    def begin(*arguments, **options):
        joined.append(Listener(*arguments, **options))
        return joined[-1]

    yield begin
    for listener in joined:
        listener.leave()
