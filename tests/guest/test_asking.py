"""Each verb on a live process: a right answer, or one line with its documented exit code; never harm."""
import json

import pytest

from guest_support import NAME, SETTING, Target, neap
from scenarios import VERBS

KEPT = 100  # strings, of a thousand times as many

asked = pytest.mark.parametrize("verb", VERBS)


@pytest.fixture(scope="module")
def target_of():
    """A function from the owner to its running target: one for all tests of this file."""
    running = {}

    def find(owner):
        if owner not in running:
            running[owner] = Target(owner)
            running[owner].do("thin %d" % (KEPT * 1000))
            running[owner].do("grow 20000")
        return running[owner]

    yield find
    for target in running.values():
        target.__exit__()


def assert_refused(done, code):
    """One line for people, nothing else."""
    assert (done.returncode, done.stdout) == (code, ""), done
    assert done.stderr.startswith("neap: ") and done.stderr.count("\n") == 1, done.stderr


def assert_right(verb, found):
    """A figure of each answer that can be known."""
    if verb == "stat":
        assert found["rejected_units"] == 0 and found["stats"]["live_blocks"] > 20000
    elif verb == "look":
        counts = {}
        for row in found["rows"]:
            counts[row["kind"]] = counts.get(row["kind"], 0) + row["count"]
        assert counts["str"] > KEPT and counts["int"] > 19000 and found["rejected"] == 0
    elif verb == "pins":
        assert found["rejected"] == 0 and found["place_total"] > 10
    elif verb == "map":
        assert found["kinds"]["region"]["used_bytes"] > 1000000 and found["rss_bytes"] > 5000000
    elif verb == "advise":
        assert found["rejected"] == 0


@asked
@pytest.mark.parametrize("who", SETTING.users)
def test_a_verb_on_ones_own_process(target_of, who, verb):
    target = target_of(who)
    done = neap(verb, "--json", target.pid, who=who)
    code = SETTING.exits.get(who, {}).get(verb, 0)
    if code:
        assert_refused(done, code)
    else:
        assert (done.returncode, done.stderr) == (0, ""), "%s: %s" % (NAME, done.stderr[-2000:])
        assert_right(verb, json.loads(done.stdout))
    target.assert_unharmed()


@asked
@pytest.mark.skipif("user" not in SETTING.users, reason="under this setting there is no second user")
def test_a_verb_on_roots_process(target_of, verb):
    """An ordinary user asks: that is not permitted."""
    target = target_of("root")
    assert_refused(neap(verb, target.pid, who="user"), SETTING.exits.get("other", {}).get(verb, 3))
    target.assert_unharmed()


@pytest.mark.parametrize("who", SETTING.users)
def test_it_forks_after_all_that(target_of, who):
    target_of(who).do("fork")
    target_of(who).assert_unharmed()
