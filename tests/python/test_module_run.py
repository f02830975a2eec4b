"""`python3 -m neap`: the same interpreter and its flags, on Neap's heap."""
import re
import shutil
import subprocess

import pytest

from process_support import HERE, PACKAGE, environment, served
from support import NEAP, clean_environment, needs_neap

ROOT = HERE.parent.parent
pytestmark = needs_neap

SHOW = ("import sys, neap; print(neap.serving, sys.argv, sys.flags.optimize, sys.flags.dont_write_bytecode,"
        " sys.warnoptions, sys.executable, __name__)")


def module_run(python, *words, flags=(), invoke=("-m", "neap"), cwd=None, stdin=None):
    return subprocess.run([python.path, *flags, *invoke, *map(str, words)], capture_output=True, text=True, timeout=60,
                          cwd=cwd, input=stdin, env=environment())


def shown(python, argv, optimize=0, no_bytecode=1, warnings=()):
    return "True %s %d %d %s %s __main__\n" % (argv, optimize, no_bytecode, list(warnings), python.path)


@served
def test_script(python, tmp_path):
    (tmp_path / "app.py").write_text(SHOW)
    done = module_run(python, "app.py", "--summary", "-x", "a b", cwd=tmp_path)
    assert (done.stdout, done.stderr) == (shown(python, ["app.py", "--summary", "-x", "a b"]), "")


@served
def test_module_and_code_and_stdin(python, tmp_path):
    (tmp_path / "thing.py").write_text(SHOW)
    done = module_run(python, "-m", "thing", "a", cwd=tmp_path)
    assert done.stdout == shown(python, [str(tmp_path / "thing.py"), "a"]), done.stderr
    assert module_run(python, "-c", SHOW, "a", "-m").stdout == shown(python, ["-c", "a", "-m"])
    assert module_run(python, "-", "a", stdin=SHOW).stdout == shown(python, ["-", "a"])


@served
@pytest.mark.parametrize("flags, invoke, expected", [
    (["-O"], ["-m", "neap"], {"optimize": 1}),
    (["-OO", "-W", "ignore"], ["-m", "neap"], {"optimize": 2, "warnings": ["ignore"]}),
    ([], ["-mneap"], {}),
    ([], ["-Om", "neap"], {"optimize": 1}),
    (["-Wignore", "-X", "utf8"], ["-OOmneap"], {"optimize": 2, "warnings": ["ignore"]}),
])
def test_interpreter_flags_are_kept(python, flags, invoke, expected):
    done = module_run(python, "-c", SHOW, flags=flags, invoke=invoke)
    assert (done.stdout, done.stderr) == (shown(python, ["-c"], **expected), "")


@served
def test_options_are_those_of_run(python):
    show = "import os; print(*(os.environ.get('NEAP_' + n) for n in ('CHECK', 'DECAY_MS', 'HELPER', 'LIMIT_BYTES')))"
    done = module_run(python, "--check", "--decay", "50", "--no-helper", "--limit=1G", "-c", show)
    assert (done.stdout, done.stderr) == ("1 50 0 %d\n" % (1 << 30), "")
    done = module_run(python, "--summary", "--", "-c", "pass")
    assert done.stderr.startswith("neap: summary of process ")


@served
@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exit_code(python, code):
    assert module_run(python, "-c", "raise SystemExit(%d)" % code).returncode == code


@served
@pytest.mark.parametrize("words", [[], ["--summary"], ["--nosuch", "app.py"], ["--decay", "x", "app.py"]])
def test_wrong_usage(python, words):
    done = module_run(python, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1


@served
def test_dev_mode_is_noted(python):
    done = module_run(python, "-c", "pass", flags=["-X", "dev"])
    assert done.returncode == 0 and done.stderr.startswith("neap: -X dev replaces") and done.stderr.count("\n") == 1


@served
def test_children_are_under_neap_too(python):
    body = ("import subprocess, sys; print(subprocess.check_output([sys.executable, '-c',"
            " 'import neap; print(neap.serving)'], text=True), end='')")
    assert module_run(python, "-c", body).stdout == "True\n"


def help_of_run():
    return subprocess.run([NEAP, "run", "--help"], capture_output=True, text=True).stdout


def test_options_with_a_value_are_known():
    """The package tells an option's value from the program by a list of its own."""
    source = (ROOT / "python/neap/__main__.py").read_text()
    listed = set(re.findall(r'"(--[\w-]+)"', re.search(r"TAKES_VALUE = \{(.*?)\}", source)[1]))
    assert listed == set(re.findall(r"(--[\w-]+) [A-Z]+\b", help_of_run()))


@served
def test_help(python):
    done = module_run(python, "--help")
    assert done.returncode == 0 and done.stdout.startswith("python3 -m neap [options]")
    assert help_of_run() in done.stdout


@served
def test_missing_tool(python, tmp_path):
    """The package on its own, without Neap around it."""
    shutil.copytree(PACKAGE, tmp_path / "neap", ignore=lambda *_: ["_neap.abi3.so.p"])
    done = subprocess.run([python.path, "-m", "neap", "-c", "pass"], capture_output=True, text=True, cwd=tmp_path,
                          env=clean_environment(PYTHONPATH=str(tmp_path), PATH="/nowhere"))
    assert done.returncode == 1 and done.stderr.startswith("neap: the program `neap` is missing")
