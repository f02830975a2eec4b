"""`neap run`: it finds its library, sets what it must, is silent, and ends as the command does."""
import os
import re
import shutil
import stat
import subprocess

import pytest

from support import BUILD, NEAP, clean_environment, every_python


def neap(*words, timeout=60, tool=NEAP, **environment):
    """The tool with its exit code, output and errors; no other variables of Neap or Python."""
    return subprocess.run([str(tool), *map(str, words)], capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, env=clean_environment(**environment))


def variables(*options, names, **environment):
    done = neap("run", *options, "--", "/usr/bin/env", "-0", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    found = dict(line.partition("=")[::2] for line in done.stdout.split("\0") if line)
    return {name: found.get(name) for name in names}


def assert_one_line(done, code, *parts):
    assert done.returncode == code, done
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1, done.stderr
    for part in parts:
        assert part in done.stderr
    assert done.stdout == ""


# ---- what the command gets ----------------------------------------------------

def test_preload_behind_and_package_in_front():
    """Some libraries insist on being the first that is preloaded."""
    names = ["LD_PRELOAD", "PYTHONPATH"]
    library, package = str(BUILD / "libneap-preload.so"), str(BUILD / "python")
    assert variables(names=names) == {"LD_PRELOAD": library, "PYTHONPATH": package}
    found = variables(names=names, LD_PRELOAD="libm.so.6", PYTHONPATH="/somewhere")
    assert found == {"LD_PRELOAD": "libm.so.6:" + library, "PYTHONPATH": package + ":/somewhere"}


def test_twice_is_once():
    library = str(BUILD / "libneap-preload.so")
    done = neap("run", NEAP, "run", "/usr/bin/env")
    assert "LD_PRELOAD=%s\n" % library in done.stdout
    for order in (library + ":libm.so.6", "libm.so.6:" + library, "libm.so.6 " + library + ":libdl.so.2"):
        assert variables(names=["LD_PRELOAD"], LD_PRELOAD=order) == {"LD_PRELOAD": order}


@pytest.mark.parametrize("options, expected", [
    ([], {}),
    (["--summary"], {"NEAP_SUMMARY": "1"}),
    (["--check"], {"NEAP_CHECK": "1"}),
    (["--harden"], {"NEAP_HARDEN": "1"}),
    (["--no-mesh"], {"NEAP_MESH": "0"}),
    (["--decay", "250"], {"NEAP_DECAY_MS": "250"}),
    (["--decay=1"], {"NEAP_DECAY_MS": "1"}),
    (["--no-helper"], {"NEAP_HELPER": "0"}),
    (["--limit", "1.5G"], {"NEAP_LIMIT_BYTES": str(3 << 29)}),
    (["--reserve", "64M"], {"NEAP_RESERVE_BYTES": str(64 << 20)}),
    (["--check", "--decay", "9", "--no-helper"], {"NEAP_CHECK": "1", "NEAP_DECAY_MS": "9", "NEAP_HELPER": "0"}),
])
def test_options_are_variables(options, expected):
    names = ["NEAP_SUMMARY", "NEAP_MESH", "NEAP_HARDEN", "NEAP_CHECK", "NEAP_DECAY_MS", "NEAP_HELPER", "NEAP_LIMIT_BYTES", "NEAP_RESERVE_BYTES"]
    assert {k: v for k, v in variables(*options, names=names).items() if v is not None} == expected


def test_a_variable_that_is_set_stays_unless_an_option_says_otherwise():
    assert variables(names=["NEAP_DECAY_MS"], NEAP_DECAY_MS="77") == {"NEAP_DECAY_MS": "77"}
    assert variables("--decay", "5", names=["NEAP_DECAY_MS"], NEAP_DECAY_MS="77") == {"NEAP_DECAY_MS": "5"}


def test_words_after_the_command_are_its_own():
    done = neap("run", "/bin/echo", "--summary", "--", "-x", "--help")
    assert done.stdout == "--summary -- -x --help\n"
    assert neap("run", "--", "/bin/echo", "--", "a").stdout == "-- a\n"


# ---- the quick start: what libc's start-up is not waited for must come out the same -----

@pytest.fixture
def both():
    """Runs a command as plainly as can be, and once more with an option, which takes the ordinary way."""
    def run(*words, **more):
        results = []
        for options in ([], ["--no-helper"]):
            done = subprocess.run([NEAP, "run", *options, *words], capture_output=True,
                                  text=True, timeout=30, **more)
            results.append((done.returncode, done.stdout.replace("NEAP_HELPER=0\n", ""), done.stderr))
        return results
    return run


def test_quick_and_ordinary_start_agree(both, tmp_path):
    (tmp_path / "a-script").write_text("echo script $1")
    (tmp_path / "a-script").chmod(0o755)
    (tmp_path / "data").write_text("data")
    base = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    path = {"PATH": "%s::/nowhere:/usr/bin:/bin" % tmp_path}
    many = {"V%d" % i: str(i) for i in range(1500)}
    for words, environment in [
        (["/usr/bin/env"], base), (["env"], base), (["--", "env"], base), (["env"], path), (["env"], {**base, **many}),
        (["a-script", "a"], path), (["./a-script", "b"], base), (["a-script", "c"], {"PATH": ":/usr/bin"}), (["a-script"], base),
        (["data"], path), (["./data"], base), (["nosuch"], path), ([""], base), (["/usr/bin/env"], {}),
        (["/usr/bin/env", "-X", "x"], base), (["env"], {**base, "LD_PRELOAD": "libm.so.6"}),
        (["env"], {**base, "PYTHONPATH": "/x"}), (["env"], {**base, "LD_PRELOAD": "", "PYTHONPATH": ""}),
        (["python3", "-X", "dev", "-c", "pass"], base), (["python3", "-c", "pass"], {**base, "PYTHONMALLOC": "malloc"}),
    ]:
        quick, ordinary = both(*words, env=environment, cwd=tmp_path)
        if words[-1] == "env" or words[0] == "/usr/bin/env":
            quick, ordinary = ([done[0], sorted(done[1].splitlines()), done[2]] for done in (quick, ordinary))
        assert quick == ordinary, words


def test_quick_start_is_taken():
    """strace sees no libc come up before the command does."""
    if not shutil.which("strace") or os.uname().machine != "x86_64":
        pytest.skip("needs strace, on x86_64")
    environment = {"PATH": "/usr/bin:/bin"}
    trace = subprocess.run(["strace", NEAP, "run", "true"], capture_output=True, text=True, env=environment).stderr
    before = trace.split('execve("/usr/bin/true"')[0]
    assert "readlink(" in before and "brk(" not in before and "arch_prctl(" not in before, before


# ---- how it ends ----------------------------------------------------------------

@pytest.mark.parametrize("code", [0, 1, 3, 4, 126, 255])
def test_exit_code_is_the_commands(code):
    done = neap("run", "/bin/sh", "-c", "exit %d" % code)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_it_becomes_the_command():
    """No process stays in between: signals and the PID are the command's."""
    process = subprocess.Popen([NEAP, "run", "/bin/sh", "-c", "echo $$"], stdout=subprocess.PIPE, text=True)
    out, _ = process.communicate(timeout=20)
    assert int(out) == process.pid


def test_no_such_command():
    assert_one_line(neap("run", "no-such-command-here"), 127, "no-such-command-here")
    assert_one_line(neap("run", "/no/such/file"), 127, "/no/such/file")


def test_not_executable(tmp_path):
    path = tmp_path / "data"
    path.write_text("no program")
    assert_one_line(neap("run", path), 126, str(path))
    assert_one_line(neap("run", tmp_path), 126, str(tmp_path))


def test_script_without_a_first_line(tmp_path):
    """As a shell does it."""
    path = tmp_path / "a-script"
    path.write_text("exit 7")
    path.chmod(0o755)
    assert neap("run", path).returncode == 7


@pytest.mark.parametrize("words", [
    ["run"], ["run", "--summary"], ["run", "--"], ["run", "--nosuch", "true"], ["run", "-z", "true"],
    ["run", "--decay"], ["run", "--decay", "soon", "true"], ["run", "--decay", "0", "true"],
    ["run", "--limit", "1K", "true"], ["run", "--summary=1", "true"], ["nosuch"], ["stat"], ["stat", "x"],
    ["stat", "1", "2"], ["stat", "0"], ["stat", "-1"], ["trim"], ["trim", "99999999999"], ["help", "nosuch"],
])
def test_wrong_usage(words):
    assert_one_line(neap(*words), 2)


# ---- the library ------------------------------------------------------------------

def copy_tool(folder, with_library=True):
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(NEAP, folder / "neap")
    if with_library:
        shutil.copy2(BUILD / "libneap-preload.so", folder / "libneap-preload.so")
    return folder / "neap"


def test_missing_library(tmp_path):
    tool = copy_tool(tmp_path, with_library=False)
    assert_one_line(neap("run", "true", tool=tool), 1, "libneap-preload.so", "missing", str(tmp_path))


def test_path_that_cannot_be_preloaded(tmp_path):
    for name in ("with blank", "with:colon"):
        tool = copy_tool(tmp_path / name)
        assert_one_line(neap("run", "true", tool=tool), 1, name)


def test_link_to_the_tool(tmp_path):
    (tmp_path / "neap").symlink_to(NEAP)
    assert neap("run", "true", tool=tmp_path / "neap").returncode == 0


def test_no_python_is_left_alone():
    done = neap("run", "--summary", "/bin/sh", "-c", "echo hello; ls / >&2")
    assert done.returncode == 0 and done.stdout == "hello\n" and "neap" not in done.stderr


# ---- what takes Neap's heap away -----------------------------------------------------

@pytest.mark.parametrize("words, environment, named", [
    (["-c", "pass"], {"PYTHONMALLOC": "malloc"}, "PYTHONMALLOC=malloc"),
    (["-c", "pass"], {"PYTHONDEVMODE": "1"}, "PYTHONDEVMODE"),
    (["-X", "dev", "-c", "pass"], {}, "-X dev"),
    (["-Xdev", "-c", "pass"], {}, "-X dev"),
    (["-W", "ignore", "-BX", "dev", "-c", "pass"], {}, "-X dev"),
])
def test_replacement_is_noted(words, environment, named):
    done = neap("run", "/usr/bin/python3", *words, **environment)
    assert done.returncode == 0
    assert done.stderr.startswith("neap: " + named) and done.stderr.count("\n") == 1


@pytest.mark.parametrize("words, environment", [
    (["-c", "pass"], {}),
    (["-c", "pass"], {"PYTHONMALLOC": ""}),
    (["-E", "-c", "pass"], {"PYTHONMALLOC": "malloc"}),
    (["-I", "-c", "pass"], {"PYTHONDEVMODE": "1"}),
    (["-c", "pass", "-X", "dev"], {}),
    (["-m", "this", "-Xdev"], {}),
    (["-X", "utf8", "-c", "pass"], {}),
])
def test_nothing_is_noted_without_need(words, environment):
    assert neap("run", "/usr/bin/python3", *words, **environment).stderr == ""


# ---- on real Pythons ------------------------------------------------------------------

@every_python
def test_python_runs_and_is_silent(python):
    done = neap("run", python.path, "-c", "import sys; print(sys.version_info[:2])")
    assert (done.returncode, done.stdout, done.stderr) == (0, "%s\n" % (python.minor,), "")


@every_python
def test_summary(python):
    done = neap("run", "--summary", python.path, "-c", "x = [str(i) for i in range(300000)]")
    assert done.returncode == 0 and done.stdout == ""
    peak = re.search(r"peak RSS +([\d.]+) MB", done.stderr)
    assert peak and float(peak[1]) > 15, done.stderr
    assert done.stderr.startswith("neap: summary of process ")
    for what in ("RSS now", "live", "given back", "refaulted"):
        assert what in done.stderr


# ---- help ------------------------------------------------------------------------------

VERBS = ["run", "compare", "look", "pins", "advise", "map", "stat", "trim", "cast", "help"]


def test_alone_it_tells_its_verbs():
    for words in ([], ["help"], ["--help"], ["-h"]):
        done = neap(*words)
        assert done.returncode == 0 and done.stderr == ""
        listed = re.findall(r"^  (\w+) ", done.stdout, re.M)
        assert listed == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(verb):
    if verb == "cast" and not (BUILD / "neap-cast").exists():
        pytest.skip("neap-cast was not built: its libraries are missing")
    long, by_help = neap(verb, "--help"), neap("help", verb)
    assert long.returncode == by_help.returncode == 0
    assert long.stdout == by_help.stdout and long.stdout.startswith("Usage: neap %s " % verb)
    assert max(map(len, long.stdout.splitlines())) <= 80


def test_version():
    stated = re.search(r"^  version: '(\d+\.\d+\.\d+)',$", (BUILD.parent / "meson.build").read_text(), re.M)[1]
    assert neap("--version").stdout == neap("-V").stdout == "neap %s\n" % stated


def test_output_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = subprocess.run([NEAP, "help"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.startswith("neap: cannot write the output: ")


def test_the_tool_is_plain_at_start():
    """It stands in the way of every start: no library is loaded for it, no privilege asked for."""
    if not shutil.which("readelf"):
        pytest.skip("needs readelf (binutils)")
    headers = subprocess.run(["readelf", "-dl", NEAP], capture_output=True, text=True).stdout
    if "sanitize" not in str(BUILD):
        assert "NEEDED" not in headers and "INTERP" not in headers
    assert not os.stat(NEAP).st_mode & (stat.S_ISUID | stat.S_ISGID)


# ---- the manual ---------------------------------------------------------------------------

def test_the_manual_has_each_verb():
    with open(BUILD.parent / "docs" / "neap.1") as file:
        text = file.read()
    assert set(re.findall(r"^\.B neap (\w+)$", text, re.M)) == set(VERBS)
