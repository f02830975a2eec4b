"""Where reports go: the same doors for every verb, and nothing half-written behind any of them."""
import json
import os
import resource
import signal
import subprocess
import time

import pytest

from support import NEAP, clean_environment, debian_python, describe, needs_64_bits, needs_neap, under_neap

pytestmark = [needs_neap, needs_64_bits]

WAIT = "rows = [str(n) for n in range(20000)]; print('ready', flush=True); import time; time.sleep(600)"
OF_PROCESS = ["look", "pins", "advise", "map", "stat", "trim"]
REPORTING = [*OF_PROCESS, "compare"]
DRAWING = [("map", "--html"), ("map", "--svg"), ("compare", "--html"), ("compare", "--svg")]
FORMS = [(verb, "--json") for verb in REPORTING] + DRAWING


@pytest.fixture(scope="module")
def pid():
    process = subprocess.Popen(under_neap(debian_python().path, "-c", WAIT), stdout=subprocess.PIPE, text=True,
                               env=clean_environment())
    assert process.stdout.readline() == "ready\n"
    yield process.pid
    process.kill()
    process.communicate()


def words(verb, pid, *options):
    if verb == "compare":
        return [NEAP, verb, *options, "--rounds", "1", "--with", "neap", "--", debian_python().path, "-c", "pass"]
    return [NEAP, verb, *options, str(pid)]


def ask(verb, pid, *options, **more):
    return subprocess.run(words(verb, pid, *options), stdin=subprocess.DEVNULL, text=True, timeout=60,
                          env=clean_environment(), stderr=subprocess.PIPE, **{"stdout": subprocess.PIPE, **more})


def assert_refused(done, code, said):
    """One line on standard error, and nothing on standard output."""
    assert done.returncode == code and not done.stdout, describe(done)
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1 and said in done.stderr, done.stderr


@pytest.mark.parametrize("verb", REPORTING)
def test_json_there_or_in_a_file(verb, pid, tmp_path):
    path = tmp_path / "report.json"
    printed, besides = ask(verb, pid, "--json"), ask(verb, pid, f"--json={path}")
    assert (printed.returncode, printed.stderr, besides.returncode, besides.stderr) == (0, "", 0, "")
    here, there = json.loads(printed.stdout), json.loads(path.read_text())
    assert here["schema"].startswith("neap.") and list(here) == list(there)
    assert besides.stdout and not besides.stdout.startswith("{")
    assert os.listdir(tmp_path) == ["report.json"]


@pytest.mark.parametrize("verb, form", DRAWING)
def test_a_drawing_on_standard_output(verb, form, pid):
    done = ask(verb, pid, form, "-")
    assert done.returncode == 0 and done.stdout.startswith("<!doctype html>" if form == "--html" else "<svg")


def test_what_is_written_has_the_place_and_mode_of_what_was_there(pid, tmp_path):
    path, link = tmp_path / "map.svg", tmp_path / "link.svg"
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to("map.svg")
    assert ask("map", pid, "--svg", str(link)).returncode == 0
    assert link.is_symlink() and path.read_text().startswith("<svg") and path.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to(pid, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["cat", path], stdout=subprocess.PIPE, text=True) as reader:
        assert ask("map", pid, "--svg", str(path)).returncode == 0
        assert reader.communicate()[0].endswith("</svg>\n")


# ---- what cannot be written -------------------------------------------------------------------

@pytest.mark.parametrize("verb, form", FORMS)
def test_places_where_no_file_can_be(verb, form, pid, tmp_path):
    """They are named before any work is done."""
    for place, code, said in ((tmp_path, 1, "it is a folder"), (tmp_path / "no" / "file", 1, "no such folder"),
                              ("", 2, "has no name"), (tmp_path / ("x" * 300), 1, "too long")):
        assert_refused(ask(verb, pid, f"{form}={place}"), code, said)
    assert os.listdir(tmp_path) == []


def test_the_command_is_not_run_for_a_report_that_cannot_be_written(tmp_path):
    done = subprocess.run([NEAP, "compare", "--html", "/no/such/folder/a.html", "--", "touch", tmp_path / "ran"],
                          capture_output=True, text=True, env=clean_environment())
    assert_refused(done, 1, "no such folder")
    assert not os.listdir(tmp_path)


def test_two_reports_do_not_mix(pid):
    assert_refused(ask("map", pid, "--json", "--svg", "-"), 2, "one report")
    assert_refused(ask("compare", pid, "--html", "-", "--svg", "-"), 2, "one report")


@pytest.mark.parametrize("verb, form", FORMS)
def test_a_full_disk_leaves_the_old_file(verb, form, pid, tmp_path):
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))

    path = tmp_path / "report"
    path.write_text("old")
    done = ask(verb, pid, f"{form}={path}", preexec_fn=small_files)
    assert done.returncode == 1 and done.stdout, describe(done)
    assert done.stderr.startswith(f"neap: cannot write {path}: ") and done.stderr.count("\n") == 1
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["report"]


@pytest.mark.parametrize("verb", REPORTING)
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_standard_output_that_is_full(verb, options, pid):
    with open("/dev/full", "w") as full:
        assert_refused(ask(verb, pid, *options, stdout=full), 1, "cannot write the output")


@pytest.mark.parametrize("verb, form", FORMS)
def test_a_standard_output_that_is_closed(verb, form, pid, tmp_path):
    path = tmp_path / "report"
    done = ask(verb, pid, f"{form}={path}", stdout=None, preexec_fn=lambda: os.close(1))
    assert_refused(done, 1, "cannot write the output")
    assert path.read_text()[:1] in "{<"


def test_what_is_opened_is_not_taken_for_a_closed_stream(tmp_path):
    """The file for the command's errors would have the number of the command's standard output."""
    path = tmp_path / "report"
    subprocess.run([NEAP, "compare", f"--json={path}", "--rounds", "1", "--with", "neap", "--", "/bin/sh", "-c", "echo sorry >&2"],
                   env=clean_environment(), preexec_fn=lambda: os.close(1), stderr=subprocess.DEVNULL)
    for allocator in json.loads(path.read_text())["allocators"]:
        assert allocator["runs"][0]["standard_error"] == "sorry"


def test_the_command_has_the_streams_that_neap_had():
    code = "import os\ntry: os.fstat(1)\nexcept OSError: os.write(2, b'closed')"
    for options in ((), ("--summary",)):
        done = subprocess.run([NEAP, "run", *options, "--", debian_python().path, "-c", code], stderr=subprocess.PIPE,
                              text=True, env=clean_environment(), preexec_fn=lambda: os.close(1))
        assert done.returncode == 0 and done.stderr.startswith("closed")


def test_watching_keeps_the_last_report_in_the_file(pid, tmp_path):
    path = tmp_path / "stat.json"
    with subprocess.Popen(words("stat", pid, "--watch", "0.02", f"--json={path}"), stdout=subprocess.PIPE, text=True,
                          env=clean_environment()) as watching:
        seen = set()
        deadline = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < deadline:
            if path.exists():
                json.loads(path.read_text())
                seen.add(path.stat().st_mtime_ns)
        watching.terminate()
        text = watching.communicate()[0]
    assert len(seen) == 3 and text.count("\nprocess ") >= 2 and "\033" not in text
