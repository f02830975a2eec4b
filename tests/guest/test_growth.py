"""Lists and bytearrays grow to a million elements, under Neap and any setting, and hold what was put in."""
import pytest

from guest_support import MILLION, Target
from support import assert_ok, run_command

PYTHON = "/usr/bin/python3"


def ran(body, **environment):
    assert_ok(run_command(PYTHON, "-c", body, timeout=600, **environment))


def test_a_list_of_strings_grows():
    ran("x = [str(i) * 6 for i in range(%d)]\n"
        "assert all(text == str(i) * 6 for i, text in enumerate(x)); print('ok')" % MILLION)


def test_a_bytearray_grows_by_pieces():
    ran("x = bytearray()\nfor i in range(%d): x += b'%%07d' %% i\n"
        "assert x == b''.join(b'%%07d' %% i for i in range(%d)); print('ok')" % (MILLION, MILLION))


def test_several_grow_in_turn():
    """Each is moved while others lie behind it, and moved again."""
    ran("xs = [[] for _ in range(4)]\nfor i in range(%d):\n    for x in xs: x.append(i)\n"
        "assert all(x == list(range(%d)) for x in xs); print('ok')" % (MILLION // 4, MILLION // 4))


def test_it_grows_and_shrinks():
    ran("import gc\nfor turn in range(4):\n    x = []\n    for i in range(200000): x.append(i)\n"
        "    del x[1000 * (turn + 1):]\n    for i in range(200000): x.append(i)\n"
        "    assert x[1000 * (turn + 1):] == list(range(200000)) and x[:1000] == list(range(1000))\nprint('ok')")


@pytest.mark.parametrize("settings", [{}, {"NEAP_CHECK": "1"}], ids=["plain", "checked"])
def test_a_target_grows_and_forks(settings):
    with Target(**settings) as target:
        target.do("grow %d" % (MILLION if not settings else MILLION // 4))
        target.do("check")
        target.do("fork")
        target.do("check")
