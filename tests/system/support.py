"""What the system tests share: the interpreters of this machine, `neap run`, processes.

A test marked `every_python` takes `python` and runs once on every CPython found; a
version that Neap supports and the machine lacks is a skip that names it. A test marked
`few_pythons` is of what does not differ between versions: it runs on three of them, and
on every one with NEAP_TEST_LONG=1. With
NEAP_BASELINE=1 the same programs run on the plain interpreter: that shows that a
test asks nothing of Neap that CPython does not do itself. What is asked of Neap
alone (memory given back, `neap stat`) is skipped then.

    NEAP_BUILD     folder with `neap`, default build/ of this checkout
    NEAP_PYTHONS   paths of interpreters to test instead of all, separated by spaces
"""
import functools
import glob
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
BUILD = Path(os.environ.get("NEAP_BUILD", HERE.parent.parent / "build")).resolve()
NEAP = BUILD / "neap"
BASELINE = os.environ.get("NEAP_BASELINE") == "1"
LONG = os.environ.get("NEAP_TEST_LONG") == "1"  # ./dev check
SUPPORTED = [(3, minor) for minor in range(8, 16)]
MIB = 1 << 20


def has_terminals():
    """Whether the system gives out pseudo-terminals: a chroot may have no devpts."""
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
        return True
    except OSError:
        return False


needs_terminal = pytest.mark.skipif(not has_terminals(), reason="no pseudo-terminals here: is /dev/pts mounted?")

sys.path.insert(0, str(PROGRAMS))  # for tests that import witness and work, as the programs do

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell that starts the tests in the background has what they start ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

needs_64_bits = pytest.mark.skipif(sys.maxsize < 1 << 32, reason="for Pythons of 64 bits")
needs_neap = pytest.mark.skipif(BASELINE, reason="asks for what only Neap does")

PROBE = """
import json, sys, sysconfig
print(json.dumps({
    "path": sys.executable, "version": list(sys.version_info[:3]),
    "implementation": sys.implementation.name,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "include": sysconfig.get_path("include"), "libdir": sysconfig.get_config_var("LIBDIR"),
    "ldlibrary": sysconfig.get_config_var("INSTSONAME") or sysconfig.get_config_var("LDLIBRARY"),
    "ldversion": sysconfig.get_config_var("LDVERSION"), "bits": 64 if sys.maxsize > 2 ** 32 else 32,
}))
"""


def clean_environment(**extra):
    """This process's environment without what would change Python or Neap, and with `extra`."""
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith(("NEAP_", "PYTHON", "PYENV_VERSION")) and name != "LD_PRELOAD"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    if BASELINE:
        environment["NEAP_BASELINE"] = "1"
    environment.update(extra)
    return environment


class Python:
    """One interpreter: where it is and what was built into it."""

    def __init__(self, facts):
        self.path = facts["path"]
        self.version = tuple(facts["version"])
        self.minor = self.version[:2]
        self.free_threaded = facts["free_threaded"]
        self.include = facts["include"]
        self.library = os.path.join(facts["libdir"] or "", facts["ldlibrary"] or "")
        self.library_name = "python" + (facts["ldversion"] or "%d.%d" % self.minor)
        self.bits = facts["bits"]

    def __str__(self):
        origin = "debian" if self.path.startswith("/usr/bin/") else "pyenv" if "pyenv" in self.path else "path"
        return "%d.%d.%d%s-%s" % (*self.version, "t" if self.free_threaded else "", origin)


def candidates():
    """Paths that may be a CPython 3: Debian's, pyenv's, those on PATH."""
    if os.environ.get("NEAP_PYTHONS"):
        yield from os.environ["NEAP_PYTHONS"].split()
        return
    yield from sorted(glob.glob("/usr/bin/python3.*[0-9t]"))
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    yield from sorted(glob.glob(root + "/versions/3.*/bin/python3"))
    for minor in range(8, 16):
        for suffix in ("", "t"):
            found = shutil.which("python3.%d%s" % (minor, suffix))
            if found:
                yield found


@functools.lru_cache(maxsize=None)
def all_pythons():
    """Every CPython of a supported version, each once, oldest first."""
    found = {}
    for path in candidates():
        probe = subprocess.run([path, "-I", "-c", PROBE], capture_output=True, text=True, env=clean_environment())
        if probe.returncode != 0:  # a shim of a version manager, or a broken installation
            continue
        facts = json.loads(probe.stdout)
        if facts["implementation"] == "cpython" and tuple(facts["version"][:2]) in SUPPORTED:
            found.setdefault(os.path.realpath(facts["path"]), Python(facts))
    return sorted(found.values(), key=lambda python: (python.version, python.path))


def pythons(only=lambda python: True, versions=SUPPORTED):
    """Parameters for a test: the interpreters that fit, and a named skip for each version without one."""
    fit = [python for python in all_pythons() if not python.free_threaded and only(python)]
    missing = [minor for minor in versions if not any(python.minor == minor for python in all_pythons())]
    return [pytest.param(python, id=str(python)) for python in fit if python.minor in versions] + [
        pytest.param(None, id="%d.%d" % minor, marks=pytest.mark.skip(reason="no CPython %d.%d on this machine" % minor))
        for minor in missing
    ]


every_python = pytest.mark.parametrize("python", pythons())


@functools.lru_cache(maxsize=None)
def debian_python():
    """The interpreter that Debian's compiled Python packages are for; skips where there is none."""
    version = subprocess.run(["/usr/bin/python3", "-c", "import sys; print(*sys.version_info[:2])"],
                             capture_output=True, text=True).stdout.split()
    for python in all_pythons():
        if python.path.startswith("/usr/bin/") and [str(part) for part in python.minor] == version:
            return python
    return None


def is_one_of_few(python):
    """The oldest, Debian's and the newest; in the long run every one."""
    served = [one for one in all_pythons() if not one.free_threaded]
    return LONG or python in (served[0], debian_python(), served[-1])


few_pythons = pytest.mark.parametrize("python", pythons(is_one_of_few))


def under_neap(*command):
    """The command under `neap run`, or as it is in a baseline run."""
    command = [str(part) for part in command]
    return command if BASELINE else [str(NEAP), "run", "--", *command]


def program(name):
    """Path of a program of this folder."""
    return str(PROGRAMS / name)


def run(python, *arguments, options=(), **more):
    """Runs the interpreter with `arguments` under Neap to its end; returns the CompletedProcess."""
    return run_command(python.path, *options, *arguments, **more)


def run_command(*command, timeout=120, stdin=None, cwd=None, limits=None, before=None, neap=True, **environment):
    """Runs any command under Neap (or not) to its end, in a session of its own that ends with it.

    `limits` maps resource.RLIMIT_... to figures; `before` is called in the child when they are set. Other names are
    environment variables.
    """
    def set_limits():
        for kind, amount in (limits or {}).items():
            resource.setrlimit(kind, (amount, amount))
        if before:
            before()

    words = under_neap(*command) if neap else [str(word) for word in command]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=cwd, env=clean_environment(**environment),
                               start_new_session=True, preexec_fn=set_limits)
    try:
        out, err = process.communicate(stdin, timeout=timeout)
    except subprocess.TimeoutExpired:
        end_session(process)
        out, err = process.communicate()
        pytest.fail("no end after %d s: %s\n%s%s" % (timeout, " ".join(map(str, command)), out, err))
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def assert_ok(result, output="ok\n"):
    """The program ended well, said `output` and nothing else."""
    assert (result.returncode, result.stdout, result.stderr) == (0, output, ""), describe(result)


def describe(result):
    return "exit %s\n--- stdout\n%s--- stderr\n%s" % (result.returncode, result.stdout[-4000:], result.stderr[-4000:])


def end_session(process):
    """Ends a process that was started in a session of its own, and what it has left in it."""
    for kind, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, kind)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


class Talk:
    """A program under Neap that is led through its phases by lines: it prints one
    when it has come to a phase and waits for one before it goes on."""

    def __init__(self, *command, **environment):
        self.process = subprocess.Popen(under_neap(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=clean_environment(**environment), start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_session(self.process)
        self.process.stdin.close()
        self.process.stdout.close()

    def hear(self):
        """The next line; a program that ends instead fails the test."""
        line = self.process.stdout.readline()
        if not line:
            pytest.fail("the program ended early, exit %s" % self.process.wait())
        return line.strip()

    def say(self, line="go"):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self):
        """Waits for the end of the program; returns its exit code."""
        self.process.stdin.close()
        return self.process.wait(30)


class Server:
    """A server under Neap in a session of its own; ready when its port answers."""

    def __init__(self, *command, port, log, **environment):
        self.port = port
        self.log = Path(log)
        with open(log, "w") as output:
            self.process = subprocess.Popen(under_neap(*command), stdout=output, stderr=output,
                                            stdin=subprocess.DEVNULL, env=clean_environment(**environment),
                                            start_new_session=True)
        self.pid = self.process.pid

    def __enter__(self):
        try:
            wait_until(self.answers, 20, "the server to answer")
        except BaseException:
            end_session(self.process)
            print(self.log.read_text())
            raise
        return self

    def __exit__(self, *_):
        end_session(self.process)

    def answers(self):
        if self.process.poll() is not None:
            pytest.fail("the server ended, exit %s:\n%s" % (self.process.returncode, self.log.read_text()))
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds, what):
    """Polls until `condition()` holds and returns its value; fails naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            pytest.fail("waited %g s for %s" % (seconds, what))
        time.sleep(0.02)


def ask_neap(*words):
    """`neap WORDS...`, run to its end."""
    return subprocess.run([str(NEAP), *map(str, words)], capture_output=True, text=True, timeout=30,
                          env=clean_environment())


def heap_stats(pid):
    """The figures of the whole heap, by `neap stat PID --json`; fails if it does not exit with 0."""
    result = ask_neap("stat", "--json", pid)
    assert result.returncode == 0, describe(result)
    return json.loads(result.stdout)["stats"]


def neap_lines(text):
    """The lines of a program's stderr that Neap wrote."""
    return [line for line in text.splitlines() if re.match(r"neap\b", line)]


def children(pid):
    """Ids of the direct children of a process."""
    found = set()
    for task in glob.glob("/proc/%d/task/*/children" % pid):
        try:
            found.update(int(child) for child in Path(task).read_text().split())
        except OSError:  # the thread has ended meanwhile
            pass
    return sorted(found)


def status_field(pid, name, tid=None):
    """A number of /proc/PID/status, or of one thread's."""
    text = Path("/proc/%d/task/%d/status" % (pid, tid) if tid else "/proc/%d/status" % pid).read_text()
    value = re.search(r"^%s:\s*(\S+)" % name, text, re.M).group(1)
    return int(value, 16) if name.startswith("Sig") else int(value)
