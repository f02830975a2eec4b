"""A control group with a memory limit that the tool shares with its target: the target must not pay for a look."""
import pytest

from guest_support import SETTING, Target, neap

pytestmark = pytest.mark.skipif(not SETTING.limit_mb, reason="for groups with a limit")


def grown():
    """A target that takes three fifths of the group's limit: a whole copy of it would be over that."""
    target = Target()
    target.do("hold %d" % (SETTING.limit_mb * 3 // 5))
    return target


@pytest.mark.parametrize("verb", ["look", "pins", "advise", "map"])
def test_a_look_at_most_of_the_group(verb):
    """It is done within the limit, or refused in one line: nobody is ended by the kernel."""
    with grown() as target:
        done = neap(verb, "--json", target.pid)
        assert done.returncode in (0, 1), done
        assert done.stderr.count("\n") == done.returncode, done.stderr
        target.assert_unharmed()


def test_a_program_reaches_the_limit():
    """It takes four fifths of the limit, drops it and takes it again: what was given back is there again."""
    with Target() as target:
        for _ in range(3):
            target.do("hold %d" % (SETTING.limit_mb * 4 // 5))
            target.do("check")
            target.do("hold 0")
        target.assert_unharmed()
