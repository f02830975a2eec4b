"""A filter of system calls that ends the process: what the library does in a process never meets it, and memory goes
back all the same."""
import os
import platform

import pytest

from support import BASELINE, describe, few_pythons, program, run

# Numbers of asm-generic/unistd.h, the same on all machines: calls that a filter's author may not know yet.
NEWER = {"process_madvise": 440, "process_mrelease": 448, "futex_waitv": 449, "cachestat": 451, "mseal": 462,
         "futex_wake": 454, "futex_wait": 455, "futex_requeue": 456, "map_shadow_stack": 453, "memfd_secret": 447,
         "pidfd_getfd": 438, "faccessat2": 439, "close_range": 436, "pidfd_open": 434, "openat2": 437}
# What a program with one thread that has read all its files does not need.
THREADS_AND_FILES = {
    "x86_64": {"clone": 56, "fork": 57, "vfork": 58, "clone3": 435, "open": 2, "openat": 257, "memfd_create": 319, "prlimit64": 302,
               "getrlimit": 97, "ptrace": 101, "readlink": 89, "sysinfo": 99, "userfaultfd": 323},
    "aarch64": {"clone": 220, "clone3": 435, "openat": 56, "memfd_create": 279, "prlimit64": 261},
}.get(platform.machine())

# What a thread does at its start, and what Neap asks where it does not know of a filter.
OF_THREADS = {"x86_64": {"prctl": 157, "set_robust_list": 273, "rseq": 334},
              "aarch64": {"prctl": 167, "set_robust_list": 99, "rseq": 293}}.get(platform.machine())

pytestmark = pytest.mark.skipif(THREADS_AND_FILES is None, reason="the numbers of this machine's calls are not in the test")


def check(python, how, numbers, **environment):
    result = run(python, program("filtered.py"), how, *numbers, **environment)
    assert (result.returncode, result.stdout, result.stderr) == (0, "ok\n", ""), describe(result)


@few_pythons
@pytest.mark.parametrize("how", ["prctl", "seccomp", "thread", "inherited"])
def test_calls_that_the_filter_does_not_know(python, how):
    if how == "seccomp" and os.geteuid() != 0:
        pytest.skip("only root sets a filter without giving up new privileges")
    if BASELINE:
        pytest.skip("memory goes back only under Neap")
    check(python, how, NEWER.values())


@few_pythons
@pytest.mark.parametrize("environment", [{}, {"NEAP_MESH": "1"}, {"NEAP_HARDEN": "1"}], ids=["plain", "mesh", "harden"])
def test_neither_threads_nor_files(python, environment):
    """The helper is there before the filter is."""
    if BASELINE:
        pytest.skip("memory goes back only under Neap")
    check(python, "prctl", [*NEWER.values(), *THREADS_AND_FILES.values()], **environment)


@few_pythons
def test_a_filter_of_all_threads(python):
    """It binds the helper too, which has done by then what the filter does not permit."""
    if BASELINE:
        pytest.skip("memory goes back only under Neap")
    for _ in range(5):
        check(python, "together", [*NEWER.values(), *THREADS_AND_FILES.values(), *OF_THREADS.values()])


@few_pythons
def test_neither_threads_nor_files_by_the_call(python):
    if os.geteuid() != 0:
        pytest.skip("only root sets a filter without giving up new privileges")
    if BASELINE:
        pytest.skip("memory goes back only under Neap")
    check(python, "seccomp", [*NEWER.values(), *THREADS_AND_FILES.values()])
