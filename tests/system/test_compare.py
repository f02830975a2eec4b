"""`neap compare`: the real tool on small real programs, and on ones that go wrong in every way."""
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from support import NEAP, PROGRAMS, clean_environment, free_port, needs_neap, needs_terminal, wait_until

pytestmark = needs_neap
PYTHON = os.path.realpath(sys.executable)
BURST = str(PROGRAMS / "burst.py")
NAMES = ["cpython", "neap", "glibc", "mimalloc", "jemalloc", "tcmalloc", "mimalloc-own"]
ONLY_UNDER_GLIBC = "import os, sys; sys.exit(4 if os.environ.get('PYTHONMALLOC') == 'malloc' else 0)"


def compare(*arguments, timeout=240, **environment):
    return subprocess.run([str(NEAP), "compare", *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, env=clean_environment(**environment))


def document(*arguments, code=0):
    result = compare("--json", *arguments)
    assert result.returncode == code, result.stdout[-2000:] + result.stderr
    return json.loads(result.stdout)


def by_name(document):
    return {entry["name"]: entry for entry in document["allocators"]}


def row(table, name):
    """The line of the first table that begins with `name`."""
    return next(line for line in table.splitlines() if line.split(maxsplit=1)[:1] == [name])


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """One run under all allocators with every kind of output; several tests look at it."""
    folder = tmp_path_factory.mktemp("compare")
    result = compare("-n", 1, "--html", folder / "page.html", "--svg", folder / "picture.svg", "--", PYTHON, BURST)
    assert result.returncode == 0, result.stdout + result.stderr
    return result, (folder / "page.html").read_text(), (folder / "picture.svg").read_text()


class Tables(HTMLParser):
    """The tables of a page: a list of rows each, a row a list of (text, columns) for its cells."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.cell = [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.cell = ["", int(dict(attributes).get("colspan", 1))]

    def handle_endtag(self, tag):
        if tag in ("th", "td"):
            self.tables[-1][-1].append((" ".join(self.cell[0].split()), self.cell[1]))
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.cell[0] += data


def test_page_has_the_printed_table(everything):
    result, page, _ = everything
    head, *rows = Tables(page).tables[0]
    lines = result.stdout.splitlines()
    assert " ".join(text for text, _ in head).split() == lines[0].split()
    assert [row[0][0] for row in rows[:len(NAMES)]] == NAMES
    width = sum(columns for _, columns in head)
    for line, row in zip(lines[1:], rows):
        assert " ".join(text for text, _ in row).split() == line.split()
        assert sum(columns for _, columns in row) == width, row


def test_table_has_every_allocator_and_fits(everything):
    result = everything[0]
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:1 + len(NAMES)]] == NAMES
    assert lines[0].split() == ["allocator", "wall", "s", "CPU", "s", "peak", "MB", "mean", "MB", "end", "MB"]
    assert max(map(len, lines)) <= 80
    assert "\033" not in result.stdout
    assert "dropped" not in result.stdout  # what the command prints
    figures = re.findall(r"[\d.]+", row(result.stdout, "cpython"))
    assert len(figures) == 10 and figures[1::2] == ["1.00"] * 5
    for name in NAMES:
        assert "skipped: " in row(result.stdout, name) or len(re.findall(r"[\d.]+x", row(result.stdout, name))) == 5


def test_page_is_complete(everything):
    result, page, _ = everything
    measured = [name for name in NAMES if "skipped: " not in row(result.stdout, name)]
    assert not re.search(r"<(script|img|iframe)[^>]*\ssrc=|<link|@import", page)  # nothing to fetch
    assert page.index("neap compare -n 1 --html") > 0
    charts = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.S).group(1))
    assert [chart["name"] for chart in charts] == ["RSS", "Pss", "Private_Dirty"]
    for chart in charts:
        assert [line["name"] for line in chart["lines"]] == measured
        for line in chart["lines"]:
            assert len(line["values"]) == chart["count"]
            assert max(value for value in line["values"] if value is not None) > 1
    figures = re.findall(r"[\d.]+", row(result.stdout, "neap"))
    assert all(f">{figure}<" in page for figure in figures[::2])


def test_picture_is_svg(everything):
    result, _, picture = everything
    root = ElementTree.fromstring(picture)
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    for name in NAMES:
        labels = [text for text in texts if text and re.fullmatch(name + r" [\d.]+ [kMG]?B", text)]
        assert len(labels) == (0 if "skipped: " in row(result.stdout, name) else 1)


def test_json_is_consistent():
    data = document("-n", 3, "--with", "neap,glibc", "-i", 10, "--", PYTHON, BURST, 300)
    assert data["schema"] == "neap.compare/1"
    assert data["command"] == [PYTHON, BURST, "300"]
    assert (data["rounds"], data["interval_seconds"], data["load"], data["baseline"]) == (3, 0.01, None, "cpython")
    assert [entry["name"] for entry in data["allocators"]] == ["cpython", "neap", "glibc"]
    base = data["allocators"][0]["medians"]
    for entry in data["allocators"]:
        assert entry["state"] == "measured" and entry["reason"] is None and len(entry["runs"]) == 3
        walls = sorted(run["wall_seconds"] for run in entry["runs"])
        assert entry["medians"]["wall_seconds"] == pytest.approx(walls[1])
        assert entry["ratios"]["rss"]["mean"] == pytest.approx(
            entry["medians"]["rss"]["mean_bytes"] / base["rss"]["mean_bytes"])
        for run in entry["runs"]:
            assert run["outcome"] == "done" and run["processes"] == 1
            assert run["sampling_seconds"] < 0.02 * run["wall_seconds"] + 0.005  # the samples that never wait
            assert 15e6 < run["rss"]["peak_bytes"] < 200e6
            assert run["private_dirty"]["end_bytes"] < run["pss"]["end_bytes"] <= run["rss"]["end_bytes"]
            assert run["rss"]["mean_bytes"] <= run["rss"]["peak_bytes"]
        series = entry["series"]
        assert series["seconds"] == sorted(series["seconds"]) and len(series["seconds"]) == len(series["rss"])


def test_skipped_ones_are_named():
    data = by_name(document("-n", 1, "--with", "mimalloc-own,glibc", "--", "sh", "-c", "exit 0"))
    assert data["mimalloc-own"]["state"] == "skipped"
    assert data["mimalloc-own"]["reason"] == "cannot tell which Python the command runs"
    assert data["mimalloc-own"]["medians"] is None
    isolated = by_name(document("-n", 1, "--with", "glibc,neap", "--", PYTHON, "-I", BURST, 10))
    assert isolated["glibc"]["state"] == "skipped" and "PYTHONMALLOC" in isolated["glibc"]["reason"]
    assert isolated["neap"]["state"] == "measured"


# ---- failures -----------------------------------------------------------------

def test_no_such_command():
    result = compare("--", "/no/such/program", "x")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "neap: cannot run '/no/such/program': there is no such program: check its name and PATH\n"


def test_command_that_may_not_be_executed(tmp_path):
    (tmp_path / "data").write_text("text")
    result = compare("--", tmp_path / "data")
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr.count("\n") == 1 and "may not be executed" in result.stderr


def test_exit_status_is_reported():
    result = compare("--with", "glibc", "--", PYTHON, "-c", "import sys; sys.stderr.write('no luck\\n'); sys.exit(3)")
    assert result.returncode == 1
    for name in ("cpython", "glibc"):
        assert row(result.stdout, name).split(maxsplit=1)[1] == "failed: exit status 3"
    assert result.stdout.count("  | no luck\n") == 1  # the same words once
    assert result.stderr == "neap: the command failed under cpython, glibc: the report says how\n"


def test_killed_command_is_reported(tmp_path):
    page = tmp_path / "page.html"
    result = compare("--with", "glibc", "--html", page, "--", "sh", "-c", "sleep .1; kill -9 $$")
    assert result.returncode == 1
    assert "failed: killed by signal 9 (Killed)" in row(result.stdout, "glibc")
    assert "killed by signal 9" in page.read_text()


def test_failure_under_one_leaves_the_others():
    data = by_name(document("-n", 2, "--with", "neap,glibc", "--", PYTHON, "-c", ONLY_UNDER_GLIBC, code=1))
    assert data["glibc"]["state"] == "failed" and data["glibc"]["reason"] == "exit status 4"
    assert [run["status"] for run in data["glibc"]["runs"]] == [4]
    assert data["neap"]["state"] == "measured" and len(data["neap"]["runs"]) == 2
    assert data["cpython"]["medians"]["wall_seconds"] > 0


def test_nothing_to_draw(tmp_path):
    result = compare("--with", "cpython", "--svg", tmp_path / "picture.svg", "--", "false")
    assert result.returncode == 1 and "nothing to draw" in result.stderr


def test_unwritable_file():
    result = compare("-n", 1, "--with", "cpython", "--html", "/no/such/folder/page.html", "--", "true")
    assert result.returncode == 1
    assert result.stderr.startswith("neap: cannot write /no/such/folder/page.html: no such folder")


@pytest.mark.parametrize("arguments", [
    [], ["--with", "nosuch", "--", "true"], ["-n", "0", "--", "true"], ["--idle", "1", "--", "true"], ["--wrong"]])
def test_wrong_usage(arguments):
    result = compare(*arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("neap: ") and result.stderr.count("\n") == 1


# ---- servers ------------------------------------------------------------------

def test_server_under_load():
    port = free_port()
    load = f"{PYTHON} -c \"import socket\nfor i in range(20): socket.create_connection(('127.0.0.1', {port})).recv(9)\""
    data = document("-n", 1, "--with", "neap", "--load", load, "--idle", "0.5", "--", PYTHON,
                    PROGRAMS / "answering.py", port)
    assert data["idle_seconds"] == 0.5
    for entry in data["allocators"]:
        run = entry["runs"][0]
        assert run["outcome"] == "done" and run["stopped"] and run["processes"] == 1
        assert 0.05 < run["load_seconds"] < run["wall_seconds"] - 0.5
    table = compare("-n", 1, "--with", "cpython", "--load", load, "--idle", "0.1", "--", PYTHON,
                    PROGRAMS / "answering.py", port).stdout
    assert table.split()[:3] == ["allocator", "load", "s"]


def test_server_without_load_is_stopped():
    run = document("-n", 1, "--with", "cpython", "--for", "0.5", "--", PYTHON, PROGRAMS / "answering.py",
                   free_port())["allocators"][0]["runs"][0]
    assert run["stopped"] and run["outcome"] == "done" and 0.5 <= run["wall_seconds"] < 30


def test_failing_load():
    result = compare("-n", 1, "--with", "cpython", "--load", "exit 7", "--", PYTHON, PROGRAMS / "answering.py",
                     free_port())
    assert result.returncode == 1 and "failed: load: exit status 7" in result.stdout


def processes_with(mark):
    """Ids of the processes that have `mark` among their arguments."""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and has_argument(pid, mark)]


def has_argument(pid, mark):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return mark.encode() in file.read().split(b"\0")
    except OSError:  # it has ended meanwhile
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_ends_what_was_started(number):
    mark = "mark-%d-%d" % (os.getpid(), number)
    compare = subprocess.Popen([str(NEAP), "compare", "--with", "cpython", "--", PYTHON, "-c",
                                "import time; time.sleep(60)", mark], env=clean_environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        wait_until(lambda: len(processes_with(mark)) == 2, 20, "the command to run")
        time.sleep(0.2)  # past its start, where it is not yet watched
        compare.send_signal(number)
        assert compare.wait(20) == -number
        assert processes_with(mark) == []
    finally:
        compare.kill()
        compare.communicate()


# ---- the terminal -------------------------------------------------------------

def on_terminal(*arguments, **environment):
    """What `neap compare` shows on a terminal of 80 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(NEAP, ["neap", "compare", *arguments], clean_environment(TERM="xterm", **environment))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    shown = b""
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return shown.decode()


@needs_terminal
def test_terminal_shows_progress_and_colours():
    command = ["-n", "2", "--with", "glibc", "--", PYTHON, BURST, "300"]
    shown = on_terminal(*command)
    bars = re.findall(r"\r\033\[K(\[[#.]{24}\] run (\d) of 4: (\w+)[^\r\n]*)", shown)
    assert [bar[1:] for bar in bars] == sorted((bar[1:] for bar in bars), key=lambda bar: bar[0])
    assert {bar[1] for bar in bars} == {"1", "2", "3", "4"}
    assert all(len(bar[0]) < 80 for bar in bars)
    assert any(" left" in bar[0] for bar in bars)  # once a run has shown how long one takes
    assert re.search(r"\033\[2m1\.00x\033\[0m", shown)
    assert "\033[2m" not in on_terminal(*command, NO_COLOR="1")


def test_output_of_the_command_is_shown_when_asked_for():
    command = ["-n", "1", "--with", "cpython", "--", PYTHON, BURST, "1"]
    assert "dropped" not in compare(*command).stderr
    asked = compare("--output", *command)
    assert asked.stderr == "dropped\n" and "dropped" not in asked.stdout


def test_help_names_every_allocator():
    text = compare("--help").stdout
    assert all(name in text for name in NAMES)
    assert max(map(len, text.splitlines())) <= 80
