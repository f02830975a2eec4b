"""What `./dev install` puts under a prefix works from there, without the build folder."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = "/usr/bin/python3"

pytestmark = pytest.mark.xdist_group("install")  # they share a build folder
PROGRAM = """
#include <neap/neap.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    struct neap_heap_stats stats;
    neap_heap_t *heap = neap_heap_new(NULL);
    char *text = neap_heap_alloc(heap, 100);
    strcpy(text, "from the installed heap");
    neap_heap_stats(heap, &stats);
    printf("%s, %d block\\n", text, (int)stats.live_blocks);
    neap_heap_free(heap, text);
    neap_heap_destroy(heap);
    return 0;
}
"""


def clean_environment(**extra):
    return {**{k: v for k, v in os.environ.items() if not k.startswith(("NEAP_", "PYTHON", "LD_"))}, **extra}


def output(*command, **extra):
    """Standard output of a command that must succeed, and write no warning."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=clean_environment(**extra))
    assert done.returncode == 0 and done.stderr == "", f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def find_one(folder, name):
    found = [path for path in Path(folder).rglob(name) if not path.is_symlink()]
    assert len(found) == 1, f"{name} under {folder}: {found}"
    return found[0]


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """A prefix with everything installed, and no other way to find it."""
    folder = tmp_path_factory.mktemp("prefix")
    subprocess.run([ROOT / "dev", "install", "--prefix", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def test_run_finds_its_library(prefix):
    code = "print(*(line.split()[-1] for line in open('/proc/self/maps') if 'neap-preload' in line), sep='\\n')"
    mapped = set(output(prefix / "bin/neap", "run", "--", PYTHON, "-c", code).split())
    assert mapped == {str(find_one(prefix, "libneap-preload.so"))}


def test_python_package(prefix):
    packages = prefix / "lib/python3/dist-packages"
    code = "import neap, json; kept = [str(i) for i in range(10000)]; neap.trim(); print(neap.stats(), neap.__file__)"
    told = output(prefix / "bin/neap", "run", "--", PYTHON, "-c", code, PYTHONPATH=str(packages))
    assert "live_bytes" in told and str(packages) in told


def test_stat_is_json(prefix):
    code = f"""
import json, os, subprocess
print(subprocess.run([{str(prefix / "bin/neap")!r}, "stat", "--json", str(os.getpid())], stdout=subprocess.PIPE, text=True).stdout)
"""
    told = json.loads(output(prefix / "bin/neap", "run", "--", PYTHON, "-c", code))
    assert "schema" in told


def test_c_program_links(prefix, tmp_path):
    pc = find_one(prefix, "neap.pc")
    flags = output("pkg-config", "--cflags", "--libs", "neap", PKG_CONFIG_PATH=str(pc.parent)).split()
    (tmp_path / "app.c").write_text(PROGRAM)
    output("gcc", "-Wall", "-Wextra", "-pedantic", tmp_path / "app.c", "-o", tmp_path / "app", *flags)
    assert output(tmp_path / "app", LD_LIBRARY_PATH=str(pc.parent.parent)) == "from the installed heap, 1 block\n"


def test_headers_serve_cplusplus(prefix, tmp_path):
    if shutil.which("g++") is None:
        pytest.skip("no g++ on this machine")
    (tmp_path / "app.cpp").write_text("#include <neap/neap.h>\nint main() { return neap_error_text(0) == nullptr; }\n")
    output("g++", "-Wall", "-Wextra", "-pedantic", "-fsyntax-only", "-I", prefix / "include", tmp_path / "app.cpp")


def test_preload_library_needs_libc_alone(prefix):
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-d", find_one(prefix, "libneap-preload.so")))
    assert needed == ["libc.so.6"]


def test_library_gives_out_what_the_headers_declare(prefix):
    declared = set()
    for header in (prefix / "include/neap").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
        inline = re.findall(r"^static inline [^(]*?\b(neap_\w+)\(", text, re.MULTILINE)
        text = re.sub(r"^static inline .*?^}$", "", text, flags=re.DOTALL | re.MULTILINE)
        declared |= set(re.findall(r"\b(neap_\w+)\(", text)) - set(inline)
    library = find_one(prefix, "libneap.so.*")
    given = set(re.findall(r" T (\w+)", output("nm", "-D", "--defined-only", library)))
    assert given == declared
    assert "SONAME" in output("readelf", "-d", library)


def test_man_page(prefix):
    page = find_one(prefix, "neap.1*")
    assert page.relative_to(prefix).parts[:3] == ("share", "man", "man1")
    if shutil.which("man") is None:
        pytest.skip("no man on this machine")
    assert "SYNOPSIS" in output("man", "--warnings", "-l", page, MANWIDTH="80", LC_ALL="C.UTF-8")


def test_errors_of_install():
    done = subprocess.run([ROOT / "dev", "install", "--prefiks", "/nowhere"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("dev: install takes --prefix") and done.stderr.count("\n") == 1
