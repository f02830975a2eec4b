"""Memory runs out: MemoryError is raised, nothing is lost, the program goes on."""
import resource

import pytest

from support import MIB, assert_ok, describe, few_pythons, needs_neap, program, run

pytestmark = few_pythons


def limited(python, *arguments, **settings):
    """Runs limit.py to a good end; returns the MiB it could hold."""
    result = run(python, program("limit.py"), *arguments, timeout=180, **settings)
    assert result.returncode == 0 and result.stderr == "", describe(result)
    return int(result.stdout)


def assert_as_usable(python, *arguments, **settings):
    """Of what the limit leaves, as much can be used as CPython alone can use, but for a fifth."""
    own = limited(python, *arguments, neap=False, NEAP_BASELINE="1", **settings)
    held = limited(python, *arguments, **settings)
    assert held >= own * 4 / 5, "%d MiB could be used, %d without Neap" % (held, own)


@pytest.mark.parametrize("kind", ["RLIMIT_AS", "RLIMIT_DATA"])
def test_limit_from_the_start(python, kind):
    """As a shell's ulimit or a service manager sets it."""
    assert_as_usable(python, "set", limits={getattr(resource, kind): 80 * MIB})


def test_data_limit_set_by_the_program(python):
    assert_as_usable(python, "RLIMIT_DATA", "60")


def test_address_space_limit_set_by_the_program(python):
    """The limit is a round figure, below what Neap has reserved by then."""
    assert_as_usable(python, "RLIMIT_AS", "=120")


@needs_neap
def test_limit_of_neap(python):
    held = limited(python, "set", NEAP_LIMIT_BYTES=str(60 * MIB))
    assert 30 <= held <= 60


@needs_neap
def test_limit_of_neap_checked(python):
    limited(python, "set", NEAP_LIMIT_BYTES=str(60 * MIB), NEAP_CHECK="1")


def test_small_address_space_is_enough_to_start(python):
    """Where address space is scarce, Neap takes less of it instead of failing."""
    assert_ok(run(python, "-c", "print('ok')", limits={resource.RLIMIT_AS: 64 * MIB}))


@needs_neap
def test_reserve_can_be_small(python):
    """A reserve smaller than the need grows by further regions."""
    body = "import work, witness; witness.must_serve(); x = work.burst(100); assert x[-1][1]['n'] == len(x) - 1; print('ok')"
    assert_ok(run(python, "-c", body, cwd=program(""), NEAP_RESERVE_BYTES=str(16 * MIB)))
