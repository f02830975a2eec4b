"""`neap run` says before it starts a command that it will not be served, and goes on; `--dry-run` only says so."""
import ctypes
import os
import shutil
import struct
import subprocess

import pytest

from support import NEAP, clean_environment

PYTHON = "/usr/bin/python3"
HELLO = '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n'
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def neap(*words, before=None, **environment):
    return subprocess.run([str(NEAP), *map(str, words)], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env=clean_environment(**environment), preexec_fn=before)


def compile_hello(folder, *options):
    source, target = folder / "greet.c", folder / "greet"
    source.write_text(HELLO)
    if not shutil.which("gcc") or subprocess.run(["gcc", *options, "-o", target, source], capture_output=True).returncode != 0:
        pytest.skip("gcc %s makes no program here" % " ".join(options))
    return target


def script(folder, first_line, text="", name="a-script"):
    path = folder / name
    path.write_text("#!%s\n%s\n" % (first_line, text))
    path.chmod(0o755)
    return path


def assert_not_served(words, reason, output="hello\n", **more):
    """Run, it says one line, and does what it does; dry, it says the same and does nothing."""
    done, dry = neap("run", *words, **more), neap("run", "--dry-run", *words, **more)
    assert (done.returncode, done.stdout) == (0, output), done
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1 and " is not served: " in done.stderr, done
    assert reason in done.stderr, done
    assert (dry.returncode, "neap: " + dry.stdout, dry.stderr) == (1, done.stderr, ""), dry


def assert_served(words, **more):
    done, dry = neap("run", *words, **more), neap("run", "--dry-run", *words, **more)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", ""), done
    assert (dry.returncode, dry.stderr, dry.stdout.count("\n")) == (0, "", 1) and "hello" not in dry.stdout, dry


# ---- what is not served --------------------------------------------------------------

def test_static(tmp_path):
    assert_not_served([compile_hello(tmp_path, "-static")], "statically")


def test_another_word_size(tmp_path):
    target = compile_hello(tmp_path, "-m32" if os.uname().machine == "x86_64" else "-m64")
    done = neap("run", target)
    assert done.stdout == "hello\n" and "another word size" in done.stderr
    assert neap("run", "--dry-run", target).returncode == 1


def test_another_machine(tmp_path):
    """Its header only: what says so is not executed here."""
    target = tmp_path / "foreign"
    head = bytearray((tmp_path / compile_hello(tmp_path)).read_bytes())
    head[18:20] = struct.pack("H", 243 if head[18:20] != struct.pack("H", 243) else 62)
    target.write_bytes(head)
    target.chmod(0o755)
    dry = neap("run", "--dry-run", target)
    assert dry.returncode == 1 and "another processor" in dry.stdout


@AS_ROOT
@pytest.mark.parametrize("mode, owner", [(0o4755, (65534, 0)), (0o2755, (0, 65534))], ids=["user", "group"])
def test_set_id(tmp_path, mode, owner):
    target = compile_hello(tmp_path)
    os.chown(target, *owner)
    target.chmod(mode)
    if os.statvfs(target).f_flag & os.ST_NOSUID:
        pytest.skip("nothing is set-id on this file system")
    assert_not_served([target], "set-id")
    assert_not_served([script(tmp_path, target)], "set-id")


@AS_ROOT
def test_set_id_to_oneself_changes_nothing(tmp_path):
    target = compile_hello(tmp_path)
    target.chmod(0o6755)
    assert_served([target])


@AS_ROOT
def test_set_id_is_not_heeded_without_new_privileges(tmp_path):
    target = compile_hello(tmp_path)
    os.chown(target, 65534, 65534)
    target.chmod(0o6755)

    def give_up():
        assert ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) == 0  # PR_SET_NO_NEW_PRIVS
    assert_served([target], before=give_up)


@AS_ROOT
def test_file_capabilities(tmp_path):
    """Of somebody who is not root: for root they change nothing."""
    target = compile_hello(tmp_path)
    try:
        os.setxattr(target, "security.capability", struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
    except OSError as error:
        pytest.skip("no file capabilities here: %s" % error)
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)

    def lower():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    if subprocess.run([NEAP, "--version"], preexec_fn=lower, capture_output=True).returncode != 0:
        pytest.skip("the user cannot reach the build folder")
    assert_served([target])
    assert_not_served([target], "capabilities", before=lower)


@pytest.mark.parametrize("words", [["-i"], ["-"], ["-u", "LD_PRELOAD"], ["-uLD_PRELOAD", "A=b"], ["--unset=LD_PRELOAD"],
                                   ["--unset", "LD_PRELOAD"], ["--chdir", "/", "-"], ["A=b", "env", "-i"],
                                   ["LD_PRELOAD=libm.so.6"], ["-C", "/", "-i"]], ids=" ".join)
def test_env_that_clears(words):
    assert_not_served(["/usr/bin/env", *words, PYTHON, "-c", "print('hello')"], "without LD_PRELOAD")


def test_sudo(tmp_path):
    script(tmp_path, "/bin/sh", "unset LD_PRELOAD; exec \"$@\"", name="sudo")
    assert_not_served(["sudo", PYTHON, "-c", "print('hello')"], "sudo neap run", PATH="%s:/usr/bin:/bin" % tmp_path)


def test_script_for_what_is_not_served(tmp_path):
    assert_not_served([script(tmp_path, compile_hello(tmp_path, "-static"))], "statically")
    assert_not_served([script(tmp_path, "/usr/bin/env -S -i %s" % PYTHON, "print('hello')")], "without LD_PRELOAD")


# ---- what is ---------------------------------------------------------------------------

@pytest.mark.parametrize("words", [[], ["env"], ["env", "A=b"], ["env", "-u", "A", "--", "B=c"], ["env", "-S", "-u A B=c env"],
                                   ["env", "--split-string=A=b"], ["env", "-C/", "--unset", "A"]],
                         ids=lambda words: " ".join(words) or "plain")
def test_a_python_behind_env(words):
    assert_served([*words, PYTHON, "-c", "print('hello')"])


@pytest.mark.parametrize("first_line", [PYTHON, PYTHON + " -I", "  /usr/bin/env python3 \t", "/usr/bin/env -S python3 -I", "/usr/bin/env -SA=b python3"])
def test_a_script(tmp_path, first_line):
    assert_served([script(tmp_path, first_line, "print('hello')")])


def test_a_program_that_is_no_python(tmp_path):
    assert_served([compile_hello(tmp_path)])
    assert_served([script(tmp_path, "/bin/sh", "echo hello")])


@pytest.mark.parametrize("before", [[], ["env"], ["env", "-S", "A=b"]], ids=lambda words: " ".join(words) or "plain")
def test_neap_itself(before):
    """It is static, and looks by itself."""
    assert_served([*before, NEAP, "run", "/bin/echo", "hello"])


def test_a_script_of_scripts(tmp_path):
    inner = script(tmp_path, "/bin/sh", "echo hello")
    assert_served([script(tmp_path, inner, name="outer")])


# ---- which file it is ------------------------------------------------------------------------

@pytest.mark.parametrize("options", [[], ["--no-helper"]], ids=["quick", "ordinary"])
def test_the_first_in_path_is_taken(tmp_path, options):
    """Also where its path is longer than the quick way has room for."""
    first, last = tmp_path.joinpath(*["x" * 200] * 4), tmp_path / "last"
    for folder in (first, last):
        folder.mkdir(parents=True)
        script(folder, "/bin/sh", "echo from %s" % folder.name[:4], name="greet")
    done = neap("run", *options, "greet", PATH="%s:%s:/usr/bin:/bin" % (first, last))
    assert (done.returncode, done.stdout, done.stderr) == (0, "from xxxx\n", ""), done


@pytest.mark.parametrize("options", [[], ["--no-helper"]], ids=["quick", "ordinary"])
def test_a_loop_of_links_ends_the_search(tmp_path, options):
    """As of execvp."""
    script(tmp_path, "/bin/sh", "echo hello", name="greet")
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "greet").symlink_to("greet")
    done = neap("run", *options, "greet", PATH="%s/first:%s:/usr/bin:/bin" % (tmp_path, tmp_path))
    assert done.returncode == 126 and done.stdout == "" and done.stderr.count("\n") == 1, done


# ---- what --dry-run says besides ----------------------------------------------------------

def test_no_such_command():
    for words in (["no-such-command-here"], ["/no/such/file"], ["env", "no-such-command-here"], [""]):
        dry = neap("run", "--dry-run", *words)
        assert dry.returncode == 127 and dry.stdout == "" and dry.stderr.count("\n") == 1, dry


def test_what_replaces_the_heap():
    dry = neap("run", "--dry-run", PYTHON, "-X", "dev")
    assert dry.returncode == 1 and "-X dev" in dry.stderr
    assert neap("run", "--dry-run", PYTHON, PYTHONMALLOC="malloc").returncode == 1


def test_a_loop_ends(tmp_path):
    path = tmp_path / "a-script"
    script(tmp_path, path)
    assert neap("run", "--dry-run", path).returncode in (0, 1)
    many = ["env"] * 200
    assert neap("run", "--dry-run", *many, PYTHON).returncode in (0, 1)
