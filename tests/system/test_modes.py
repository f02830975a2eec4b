"""Ways to start Python that change its allocators or its streams, and how it ends."""
import re
import signal
import subprocess

import pytest

from support import all_pythons, assert_ok, describe, every_python, neap_lines, needs_neap, program, run
from support import Talk, clean_environment, under_neap

REPLACED = {  # what a user says so that CPython sets allocators of its own, and the word that the line names
    "PYTHONMALLOC=debug": ({"PYTHONMALLOC": "debug"}, []),
    "PYTHONMALLOC=malloc": ({"PYTHONMALLOC": "malloc"}, []),
    "PYTHONMALLOC=malloc_debug": ({"PYTHONMALLOC": "malloc_debug"}, []),
    "PYTHONMALLOC=pymalloc": ({"PYTHONMALLOC": "pymalloc"}, []),
    "-X dev": ({}, ["-X", "dev"]),
    "PYTHONDEVMODE=1": ({"PYTHONDEVMODE": "1"}, []),
}


@every_python
@pytest.mark.parametrize("way", REPLACED)
def test_replaced_allocators_are_noticed(python, way):
    """The program runs as ever; one line says that the heap does not serve it, and why."""
    environment, options = REPLACED[way]
    body = "import work; assert work.churn(1, rounds=2) == 2; print('ok')"
    result = run(python, "-c", body, options=options, cwd=program(""), **environment)
    assert (result.returncode, result.stdout) == (0, "ok\n"), describe(result)
    if "NEAP_BASELINE" not in clean_environment():
        lines = result.stderr.splitlines()
        assert len(lines) == 1 and re.match(r"neap: .*(PYTHONMALLOC|-X dev|PYTHONDEVMODE)", lines[0]), describe(result)


@needs_neap
@pytest.mark.parametrize("python", [
    pytest.param(one, id=str(one)) for one in all_pythons() if one.free_threaded
] or [pytest.param(None, id="free-threaded", marks=pytest.mark.skip(reason="no free-threaded CPython on this machine"))])
def test_free_threaded_build_is_refused(python):
    result = run(python, "-c", "print('ran')")
    assert result.returncode != 0 or result.stdout == "ran\n"
    assert [line for line in neap_lines(result.stderr) if "free-threaded" in line], describe(result)


@every_python
def test_tracemalloc(python):
    """Lies over the heap: it counts, finds, and can stop."""
    body = """
import tracemalloc, witness, work
tracemalloc.start(5)
witness.must_serve()
made = work.burst(10)
now, peak = tracemalloc.get_traced_memory()
assert 8 << 20 < now <= peak, now
assert tracemalloc.take_snapshot().statistics('filename')[0].traceback[0].filename.endswith('work.py')
del made
assert tracemalloc.get_traced_memory()[0] < 1 << 20
tracemalloc.stop()
assert work.churn(1, rounds=2) == 2
witness.must_serve()
print('ok')
"""
    assert_ok(run(python, "-c", body, cwd=program("")))


@every_python
def test_tracemalloc_from_the_start(python):
    body = "import witness, work; witness.must_serve(); assert work.churn(1, rounds=3) == 3; print('ok')"
    assert_ok(run(python, "-c", body, options=["-X", "tracemalloc=3"], cwd=program("")))


@every_python
def test_import_time(python):
    result = run(python, "-c", "import json", options=["-X", "importtime"])
    assert result.returncode == 0
    lines = result.stderr.splitlines()
    assert len(lines) > 5 and all(line.startswith("import time:") for line in lines), describe(result)


@every_python
@pytest.mark.parametrize("code", [0, 1, 3, 77, 255])
def test_exit_code_passes_through(python, code):
    result = run(python, "-c", "raise SystemExit(%d)" % code)
    assert (result.returncode, result.stderr) == (code, "")


@every_python
def test_traceback_passes_through(python):
    result = run(python, "-c", "1 / 0")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert not neap_lines(result.stderr)


@every_python
@pytest.mark.parametrize("kind", [signal.SIGABRT, signal.SIGSEGV, signal.SIGTERM, signal.SIGKILL])
def test_death_by_signal_passes_through(python, kind):
    result = run(python, "-c", "import os; os.kill(os.getpid(), %d)" % kind)
    assert (result.returncode, result.stderr) == (-kind, ""), describe(result)


@every_python
@pytest.mark.parametrize("kind, code", [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_signal_from_outside(python, kind, code):
    """The purger's thread, there after a burst, takes no signal away from the program."""
    body = "import sys, time, work; x = work.burst(30); del x; print('up', flush=True); time.sleep(60)"
    with Talk(python.path, "-c", body, PYTHONPATH=program("")) as talk:
        assert talk.hear() == "up"
        talk.process.send_signal(kind)
        assert talk.process.wait(10) == code


@every_python
def test_signal_handler_runs(python):
    body = ("import os, signal, sys, time, work\n"
            "signal.signal(signal.SIGUSR1, lambda *_: (os.write(1, b'handled\\n'), sys.exit(5)))\n"
            "x = work.burst(30); del x; print('up', flush=True); time.sleep(60)")
    with Talk(python.path, "-c", body, PYTHONPATH=program("")) as talk:
        assert talk.hear() == "up"
        talk.process.send_signal(signal.SIGUSR1)
        assert talk.hear() == "handled"
        assert talk.process.wait(10) == 5


@every_python
def test_standard_input(python):
    result = run(python, "-c", "import sys; print(sum(map(int, sys.stdin)))", stdin="".join("%d\n" % n for n in range(1000)))
    assert_ok(result, "499500\n")


@every_python
def test_program_from_standard_input(python):
    assert_ok(run(python, "-", "argument", stdin="import sys; print(sys.argv)"), "['-', 'argument']\n")


@every_python
def test_streams_are_the_programs(python, tmp_path):
    """Nothing of Neap's holds a descriptor that the program did not open."""
    body = "import os; print(sorted(os.listdir('/proc/self/fd')))"
    with open(tmp_path / "in", "w+") as stdin:
        command = [python.path, "-c", body]
        ours, plain = (subprocess.run(whole, stdin=stdin, capture_output=True, text=True, env=clean_environment()).stdout
                       for whole in (under_neap(*command), command))
    assert ours == plain
