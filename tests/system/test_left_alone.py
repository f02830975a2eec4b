"""A program for another C library that is started under `neap run` goes on as without it."""
import glob
import shutil
import subprocess

import pytest

from support import BUILD, describe, neap_lines, needs_neap, program, run_command

pytestmark = needs_neap

SANITIZED = "sanitize" in str(BUILD) or any(name in BUILD.name for name in ("asan", "tsan"))


@pytest.fixture(scope="module")
def musl_program(tmp_path_factory):
    if not shutil.which("musl-gcc") or not glob.glob("/lib/ld-musl-*.so.1"):
        pytest.skip("needs musl and musl-gcc (musl-tools)")
    target = tmp_path_factory.mktemp("musl") / "musl_calls"
    subprocess.run(["musl-gcc", "-O1", "-Wall", "-o", target, program("musl_calls.c")], check=True)
    assert "ld-musl" in subprocess.run(["readelf", "-l", target], capture_output=True, text=True).stdout
    return str(target)


@pytest.mark.parametrize("environment", [{}, {"NEAP_SUMMARY": "1"}, {"NEAP_CHECK": "1"}, {"NEAP_MESH": "1", "NEAP_HARDEN": "1"}],
                         ids=lambda environment: "-".join(environment) or "plain")
def test_a_program_for_musl_is_left_alone(musl_program, environment):
    """Its own calls of what the library replaces reach its own C library."""
    result = run_command(musl_program, **environment)
    said = [line for line in result.stderr.splitlines() if "is not served: it is for musl" not in line]
    assert (result.returncode, result.stdout, said) == (0, "ok\n", []), describe(result)


@pytest.mark.parametrize("environment", [{}, {"NEAP_SUMMARY": "1"}, {"NEAP_CHECK": "1"}],
                         ids=lambda environment: "-".join(environment) or "plain")
def test_and_as_the_child_of_a_python(musl_program, environment):
    child = "import subprocess, sys; sys.exit(subprocess.run([sys.argv[1]]).returncode)"
    result = run_command("/usr/bin/python3", "-c", child, musl_program, **environment)
    assert (result.returncode, result.stdout) == (0, "ok\n"), describe(result)
    assert len(neap_lines(result.stderr)) == ("NEAP_SUMMARY" in environment), describe(result)


def symbols(path, *options):
    """{name: kind} of the dynamic symbols, as nm tells them."""
    text = subprocess.run(["nm", "-D", *options, path], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0]: line.split()[-2] for line in text.splitlines()}


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's library needs glibc")
def test_no_reference_ends_a_program_for_musl():
    """What musl does not have, the preloaded library refers to weakly, or has itself."""
    there = glob.glob("/lib/ld-musl-*.so.1")
    if not there or not shutil.which("nm"):
        pytest.skip("needs musl and nm (binutils)")
    wanted = {name for name, kind in symbols(BUILD / "libneap-preload.so", "-u").items() if kind == "U"}
    assert wanted - set(symbols(there[0], "--defined-only")) == set()
