"""What a program gave back stays given back, whatever khugepaged does in ten minutes of its default pace."""
import time

from guest_support import MB, MILLION, Target, in_guest, let_khugepaged_work

ABOVE_FRESH = 12 * MB  # of a process that keeps one string in a thousand of a million
HUGE_PAGE = 2 << 20  # the interpreter's own memory may have a hole that one fills


def above(target, fresh):
    now = target.memory()
    return {name: now[name] - fresh[name] for name in now}


def settled(target, fresh):
    """What the target takes above fresh, when that is little enough or has had its time to become so."""
    for _ in range(50):
        if above(target, fresh)["Rss"] <= ABOVE_FRESH:
            break
        time.sleep(0.2)
    return above(target, fresh)


def assert_flat(target, fresh):
    """Low once it has settled, and no more after khugepaged has worked. Huge pages themselves are welcome
    where they add nothing: full memory may lie in them."""
    first = settled(target, fresh)
    assert max(first["Rss"], first["Pss"]) <= ABOVE_FRESH, "not given back: %s" % first
    let_khugepaged_work()
    later = above(target, fresh)
    assert max(later["Rss"], later["Pss"]) <= ABOVE_FRESH, "it came back: %s, before %s" % (later, first)
    assert later["Rss"] <= first["Rss"] + HUGE_PAGE, "it rises: %s, before %s" % (later, first)


@in_guest
def test_one_string_in_a_thousand():
    with Target() as target:
        fresh = target.memory()
        target.do("thin %d" % MILLION)
        assert_flat(target, fresh)
        target.do("check")


@in_guest
def test_one_entry_of_a_map_in_a_thousand():
    with Target() as target:
        target.do("map 10")
        fresh = target.memory()
        target.do("map %d" % (MILLION // 5))
        assert_flat(target, fresh)
        target.do("check")
