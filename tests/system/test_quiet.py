"""A program that has gone quiet: its memory comes down by itself, and then nothing of Neap's moves."""
import signal
import time

import pytest

from support import MIB, Talk, few_pythons, heap_stats, needs_neap, program, status_field, wait_until
import witness

pytestmark = [needs_neap, few_pythons]

BURST = 100  # MiB
LEFT = 4 * MIB  # of RSS above fresh, when next to nothing is alive


def do(talk, line):
    talk.say(line)
    return talk.hear()


def rss(talk):
    return witness.memory_bytes("Rss", talk.pid)


def switches(pid):
    """Times that any thread of the process went to sleep of itself: each was awake before."""
    return sum(status_field(pid, "voluntary_ctxt_switches", tid) for tid in witness.threads(pid))


@pytest.fixture
def held(python):
    with Talk(python.path, program("hold.py")) as talk:
        assert do(talk, "pid") == str(talk.pid)
        yield talk


def test_memory_comes_down_while_the_program_sleeps(held):
    """No call is made: the program waits for a line."""
    fresh = rss(held)
    do(held, "burst %d" % BURST)
    peak = rss(held)
    assert peak - fresh > BURST * MIB * 3 // 4
    do(held, "drop")
    wait_until(lambda: rss(held) - fresh < LEFT, 2, "RSS to come down, %d MiB are left" % ((rss(held) - fresh) // MIB))


def test_large_blocks_go_too(held):
    fresh = rss(held)
    for _ in range(10):
        do(held, "string 10")
    assert rss(held) - fresh > 95 * MIB
    do(held, "drop")
    wait_until(lambda: rss(held) - fresh < LEFT, 2, "RSS to come down")


def test_again_and_again(held):
    """Each burst comes down as the first did: no floor that rises."""
    fresh = rss(held)
    for _ in range(4):
        do(held, "burst 40")
        do(held, "drop")
        wait_until(lambda: rss(held) - fresh < LEFT, 3, "RSS to come down")


def test_one_thread_more_at_most(held):
    """And only while there is something to purge."""
    assert len(witness.threads(held.pid)) <= 2
    do(held, "burst %d" % BURST)
    most = 0
    do(held, "drop")
    for _ in range(60):
        most = max(most, len(witness.threads(held.pid)))
        time.sleep(0.02)
    assert most <= 2


def test_purger_takes_no_signals(held):
    """Every signal that can be blocked is blocked in each thread that is not the program's."""
    do(held, "burst %d" % BURST)
    do(held, "drop")
    others = wait_until(lambda: [tid for tid in witness.threads(held.pid) if tid != held.pid], 2, "the purger's thread")
    kernel_or_libc = {signal.SIGKILL, signal.SIGSTOP, 32, 33}  # cannot be blocked; glibc keeps the two for itself
    wanted = sum(1 << (number - 1) for number in range(1, 65) if number not in kernel_or_libc)
    for tid in others:
        blocked = status_field(held.pid, "SigBlk", tid)
        assert blocked & wanted == wanted, "%x" % (wanted & ~blocked)


def test_nothing_wakes_up_when_nothing_is_to_purge(held):
    do(held, "burst %d" % BURST)
    do(held, "drop")
    time.sleep(3)
    before, threads = switches(held.pid), witness.threads(held.pid)
    time.sleep(3)
    assert witness.threads(held.pid) == threads
    assert switches(held.pid) == before


def test_fresh_program_is_quiet(held):
    time.sleep(3)  # a start that took long has a helper, which looks at libc once or twice
    before = switches(held.pid)
    time.sleep(3)
    assert switches(held.pid) == before


def test_no_purger_when_it_is_not_wanted(python):
    """NEAP_HELPER=0: no thread ever; what is free goes with later allocations or on asking."""
    with Talk(python.path, program("hold.py"), NEAP_HELPER="0") as talk:
        do(talk, "burst 40")
        do(talk, "drop")
        for _ in range(50):
            assert witness.threads(talk.pid) == [talk.pid]
            time.sleep(0.01)


def test_stat_agrees_with_the_kernel(held):
    """What `neap stat` says of the pages in memory is what the process takes."""
    do(held, "burst %d" % BURST)
    figures = heap_stats(held.pid)
    resident = figures["resident_bytes"]
    assert BURST * MIB * 3 // 4 < resident <= rss(held)
    assert rss(held) - resident < 40 * MIB  # the interpreter and what it loaded
    live = figures["live_bytes"]
    assert BURST * MIB * 3 // 4 < live <= resident
    do(held, "drop")
    time.sleep(1)
    assert heap_stats(held.pid)["live_bytes"] < 10 * MIB
