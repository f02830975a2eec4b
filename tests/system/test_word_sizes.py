"""Where Neap is installed for both word sizes, the loader of each program takes its own library."""
import os
import shutil
import subprocess

import pytest

from support import BUILD, NEAP, needs_neap

pytestmark = needs_neap


@pytest.fixture
def installed(tmp_path):
    """An installation for both word sizes, in Debian's folders; the 32-bit library is an empty one."""
    if os.uname().machine != "x86_64" or not shutil.which("gcc"):
        pytest.skip("needs gcc, on x86_64")
    wide, narrow = (tmp_path / "lib" / name / "neap" for name in ("x86_64-linux-gnu", "i386-linux-gnu"))
    for folder in (tmp_path / "bin", wide, narrow):
        folder.mkdir(parents=True)
    shutil.copy2(NEAP, tmp_path / "bin" / "neap")
    shutil.copy2(BUILD / "libneap-preload.so", wide)
    (tmp_path / "hello.c").write_text("#include <stdio.h>\nint main(void) { return puts(\"hello\") < 0; }\n")
    (tmp_path / "empty.c").write_text("")
    for words in (["-shared", "-o", narrow / "libneap-preload.so", tmp_path / "empty.c"], ["-o", tmp_path / "hello", tmp_path / "hello.c"]):
        if subprocess.run(["gcc", "-m32", *words], capture_output=True).returncode != 0:
            pytest.skip("gcc makes no 32-bit programs here (gcc-multilib)")
    shutil.copytree(narrow, tmp_path / "lib32" / "neap")  # for the 32-bit loader of Debian's package libc6-i386
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--no-helper"]], ids=["quick", "ordinary"])
def test_each_word_size_gets_its_library(installed, options):
    def run(*words):
        return subprocess.run([installed / "bin" / "neap", "run", *options, *words], capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin"})
    strings = (installed / "bin" / "neap").read_bytes()
    if b"lib/x86_64-linux-gnu/neap" not in strings:
        pytest.skip("this build is for other folders")
    code = "import os, subprocess, sys; print('x86_64-linux-gnu/neap' in open('/proc/self/maps').read()); sys.stdout.flush(); "
    code += "sys.exit(subprocess.run([sys.argv[1]]).returncode)"
    done = run("/usr/bin/python3", "-c", code, installed / "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\nhello\n", ""), done
    done = run(installed / "hello")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", ""), done
    for folder in ("lib/i386-linux-gnu", "lib32"):
        (installed / folder / "neap/libneap-preload.so").unlink()
    done = run("/usr/bin/python3", "-c", code, installed / "hello")
    assert done.stdout == "True\nhello\n" and "wrong ELF class" in done.stderr, done
    assert "another word size" in run(installed / "hello").stderr
