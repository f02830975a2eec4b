"""Processes that a program under Neap starts: forks, pools, other Pythons, commands that are no Python."""
import platform
import time

import pytest

from support import MIB, Talk, assert_ok, children, every_python, needs_neap, needs_terminal, program, run, wait_until
import witness

pytestmark = every_python


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pool(python, method):
    assert_ok(run(python, program("pool.py"), method))


def test_fork_500_times(python):
    assert_ok(run(python, program("fork_loop.py"), "500"))


@needs_terminal
def test_no_warning_about_threads_at_fork(python):
    assert_ok(run(python, program("fork_quietly.py"), options=["-W", "error::DeprecationWarning"]))


def test_fork_in_a_threaded_process(python):
    assert_ok(run(python, program("fork_threaded.py")))


@needs_neap
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of the system call is x86_64's")
@pytest.mark.parametrize("way", ["call", "_Fork"])
def test_fork_without_handlers(python, way):
    assert_ok(run(python, program("fork_bare.py"), way, "5"))


def test_python_inside_python(python):
    inner = "import sys; sys.path.insert(0, %r); import witness; witness.must_serve(); print('ok')" % str(
        witness.__file__.rsplit("/", 1)[0])
    outer = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', %r]))" % inner
    assert_ok(run(python, "-c", outer))


def test_python_inside_shell_inside_python(python):
    inner = "import sys; sys.path.insert(0, %r); import witness; witness.must_serve(); print('ok')" % str(
        witness.__file__.rsplit("/", 1)[0])
    outer = "import os, sys; sys.exit(os.system('true | %s -c \"$BODY\"') >> 8)" % python.path
    assert_ok(run(python, "-c", outer, BODY=inner))


@needs_neap
def test_idle_child_gives_back(python):
    with Talk(python.path, program("idle_child.py")) as talk:
        pid, before, peak = map(int, talk.hear().split())
        assert peak - before > 40 * MIB
        time.sleep(2)
        now = witness.memory_bytes("Private_Dirty", pid)
        assert now - before < 6 * MIB, "the idle child keeps %d of %d bytes" % (now - before, peak - before)
        assert len(witness.threads(pid)) <= 2
        talk.say()


@needs_neap
@pytest.mark.parametrize("settings", [{}, {"NEAP_SUMMARY": "1"}, {"NEAP_CHECK": "1"}], ids=["plain", "summary", "check"])
def test_child_that_is_no_python_is_left_alone(python, settings):
    """`cat` started from Python: the library is in it, without heap, thread or output."""
    body = "import subprocess, sys; sys.exit(subprocess.call(['cat']))"
    with Talk(python.path, "-c", body, **settings) as talk:
        talk.say("through")
        assert talk.hear() == "through"
        cat, = wait_until(lambda: children(talk.pid), 5, "the child")
        anchor = witness.anchor(cat)
        assert anchor is not None, "the library is not in the child: the test shows nothing"
        assert anchor.state == witness.ABSENT and anchor.heap == 0
        assert witness.threads(cat) == [cat]
        assert talk.end() == 0


@needs_neap
def test_command_that_is_no_python_says_nothing(python):
    """Output of a command is its own, also where settings ask for a summary."""
    body = "import subprocess; r = subprocess.run(['sh', '-c', 'ls / | wc -l'], stderr=subprocess.PIPE); print(r.stderr)"
    result = run(python, "-c", body, NEAP_SUMMARY="1")
    assert result.returncode == 0
    assert result.stdout.splitlines()[-1] == "b''"


@needs_neap
def test_fork_server_parent_and_child_have_own_anchors(python):
    """A forked child rewrites the anchor: whoever looks from outside sees the right process."""
    body = ("import os, sys, time\npid = os.fork()\nif pid == 0:\n    time.sleep(30)\n    os._exit(0)\n"
            "print(pid, flush=True)\nsys.stdin.readline()\nos.kill(pid, 9)\nos.waitpid(pid, 0)")
    with Talk(python.path, "-c", body) as talk:
        child = int(talk.hear())
        wait_until(lambda: witness.anchor(child).pid == child, 2, "the child's anchor")
        assert witness.anchor(talk.pid).pid == talk.pid
        talk.say()
        assert talk.end() == 0
