"""Servers under a load: gunicorn with Flask and with Django, its workers recycled; uWSGI."""
import http.client
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from support import BASELINE, MIB, PROGRAMS, Server, ask_neap, children, clean_environment, debian_python, free_port
from support import few_pythons, heap_stats, needs_neap, status_field, wait_until
import witness
import work

DEBIAN_PACKAGES = Path("/usr/lib/python3/dist-packages")
BURST = 20 * work.PAIRS_A_MIB
MODULES = {  # what a site needs of Debian's packages; these are of pure Python, so that other versions can try them
    "flask": ["gunicorn", "flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click", "simplejson",
              "importlib_metadata", "zipp", "blinker"],
    "django": ["gunicorn", "django", "asgiref", "sqlparse", "pytz"],
}


@pytest.fixture
def packages(python, tmp_path):
    """Makes a folder with Debian's pure packages for any interpreter; skips what does not run there."""

    def choose(site):
        folder = tmp_path / "packages"
        folder.mkdir()
        for name in MODULES[site] + ["pkg_resources", "setuptools"]:
            if (DEBIAN_PACKAGES / name).exists():
                (folder / name).symlink_to(DEBIAN_PACKAGES / name)
        path = "%s:%s" % (folder, PROGRAMS)
        tried = subprocess.run([python.path, "-c", "import gunicorn.app.wsgiapp, web"], capture_output=True, text=True,
                               env=clean_environment(PYTHONPATH=path, NEAP_SITE=site))
        if tried.returncode != 0:
            pytest.skip("%s does not run on %s: %s" % (site, python, tried.stderr.strip().splitlines()[-1]))
        return path

    return choose


def ask(port, path):
    """One request; the JSON of a good answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == 200, "%s: %d %s" % (path, answer.status, text[:500])
        return json.loads(text)
    finally:
        connection.close()


def load(port, requests=120, clients=4):
    """Requests of all kinds from some clients at once; verifies the answers; returns the pids that gave them."""
    pids, problems = set(), []
    expected = [work.digest(work.mixed(number, 50)) for number in range(10)]

    def client(first):
        try:
            for number in range(first, requests, clients):
                if number % 6 == 0:
                    answer = ask(port, "/burst")
                    assert (answer["count"], answer["sum"]) == (BURST, sum(range(BURST)))
                else:
                    answer = ask(port, "/cached/%d" % (number % 10))
                    assert answer["digest"] == expected[number % 10]
                pids.add(answer["pid"])
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=client, args=(first,)) for first in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    return pids


def settled_workers(pid):
    """The two workers of a server, once none of them is on its way out any more."""
    seen = []

    def settled():
        seen.append(children(pid))
        return len(seen) > 50 and len(seen[-1]) == 2 and all(one == seen[-1] for one in seen[-50:]) and seen[-1]

    return wait_until(settled, 10, "two workers that stay")


def expect_idle_and_small(pid):
    """A worker that is idle after its bursts holds what is alive and little more."""
    def calm():
        heap = heap_stats(pid)
        return heap["resident_bytes"] - heap["live_bytes"] < 8 * MIB and heap["dirty_bytes"] < 2 * MIB
    wait_until(calm, 4, "worker %d to give back: %s" % (pid, heap_stats(pid)))


@few_pythons
@pytest.mark.parametrize("site", MODULES)
def test_gunicorn(python, packages, tmp_path, site):
    path, port = packages(site), free_port()
    command = [python.path, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:%d" % port, "--max-requests", "25",
               "--max-requests-jitter", "5", "--worker-tmp-dir", tmp_path, "web:site"]
    with Server(*command, port=port, log=tmp_path / "log", PYTHONPATH=path, NEAP_SITE=site) as server:
        pids = load(port)
        assert len(pids) >= 4, "no worker was recycled"
        for pid in [server.pid, *settled_workers(server.pid)]:
            assert witness.serving(pid), witness.anchor(pid)
        if not BASELINE:
            for pid in children(server.pid):
                expect_idle_and_small(pid)
        assert ask(port, "/pid")["pid"] in children(server.pid)
    text = server.log.read_text()
    assert "Traceback" not in text and "neap:" not in text and "SIGSEGV" not in text, text


@few_pythons
def test_gunicorn_threads(python, packages, tmp_path):
    """Workers of four threads each, the site loaded before the fork."""
    path, port = packages("flask"), free_port()
    command = [python.path, "-m", "gunicorn", "-w", "2", "--threads", "4", "--preload", "-b", "127.0.0.1:%d" % port,
               "--worker-tmp-dir", tmp_path, "web:site"]
    with Server(*command, port=port, log=tmp_path / "log", PYTHONPATH=path, NEAP_SITE="flask") as server:
        load(port, requests=60, clients=8)
        for pid in children(server.pid):
            assert witness.serving(pid), witness.anchor(pid)
    text = server.log.read_text()
    assert "Traceback" not in text and "neap:" not in text, text


@pytest.fixture
def uwsgi(tmp_path):
    """Starts uWSGI, which loads libpython with its plugin, long after it has started."""
    if shutil.which("uwsgi") is None or not os.path.exists("/usr/lib/uwsgi/plugins/python3_plugin.so"):
        pytest.skip("no uwsgi with its python3 plugin")
    if debian_python() is None:
        pytest.skip("the interpreters to test do not include Debian's, which the plugin is built for")

    def start(*options):
        port = free_port()
        command = ["uwsgi", "--plugins", "python3", "--http-socket", "127.0.0.1:%d" % port, "--master", "--processes",
                   "2", "--need-app", "--pythonpath", PROGRAMS, "--module", "web:site", "--die-on-term", *options]
        return Server(*command, port=port, log=tmp_path / "log")

    return start


@pytest.mark.parametrize("options", [[], ["--lazy-apps"], ["--enable-threads", "--threads", "4"]],
                         ids=["plain", "lazy", "threads"])
def test_uwsgi_serves(uwsgi, options):
    with uwsgi(*options) as server:
        assert len(load(server.port, requests=60)) >= 1
    text = server.log.read_text()
    assert "Traceback" not in text and "Segmentation" not in text, text


@needs_neap
def test_uwsgi_is_served_or_refused(uwsgi):
    """Either Neap's heap serves the workers, or `neap stat` says why not."""
    with uwsgi() as server:
        load(server.port, requests=24)
        for pid in children(server.pid):
            anchor = witness.anchor(pid)
            if anchor.state == witness.SERVING:
                expect_idle_and_small(pid)
            else:
                assert anchor.state == witness.REFUSED and anchor.reason
                assert anchor.reason in ask_neap("stat", pid).stderr
            assert status_field(pid, "PPid") == server.pid
