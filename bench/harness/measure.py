"""Measures: each group of rows is one function that runs its children and notes what they took.

All results have one shape, plain data that goes to JSON as it is:

    results[group][python][case][peer] = [run, ...]        a run is a dict of numbers

Peers take turns within each round, and each round begins with another peer, so that a machine
that warms up or is used by others meanwhile touches them all alike.
"""
import concurrent.futures
import glob
import os
import sys
import threading

from . import spawn

BENCH = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STORIES = os.path.join(BENCH, "stories")
PROGRAMS = os.path.join(BENCH, "programs")
STRINGS = ("50", "1%", "10%", "25%", "half", "first")
BURSTS = ("strings", "records", "buffers")
PAUSES = {10: 40, 100: 15, 1000: 5}  # ms between cycles: how many cycles


def programs(kind):
    """Name and path of every program of a kind, by name."""
    paths = sorted(glob.glob(os.path.join(PROGRAMS, kind, "*.py")))
    return {os.path.splitext(os.path.basename(path))[0]: path for path in paths}


def giveback_cases():
    """Every program whose memory is looked at after it went quiet: name -> words to start it."""
    story = os.path.join(STORIES, "strings.py")
    cases = {"strings " + keep: [story, "--keep", keep] for keep in STRINGS}
    cases["bursty"] = [os.path.join(STORIES, "bursty.py"), "--seconds-worth", "1"]
    cases["stations"] = [os.path.join(STORIES, "stations.py")]
    cases.update((name, [path]) for name, path in programs("giveback").items())
    return cases


class Session:
    """One invocation: whom to measure, how often, and what came of it."""

    def __init__(self, peers, rounds, scale, quick, progress=sys.stderr):
        self.peers, self.rounds, self.scale, self.quick = peers, rounds, scale, quick
        self.memory_rounds = 1 if quick else min(rounds, 3)  # memory varies less than time
        self.progress = progress
        self.setting = ""  # of the machine, in the words of the tables' headings
        self.results, self.failures = {}, []
        self.lock = threading.Lock()

    def usable(self, python):
        """The peers that run this Python, in the order they were asked for."""
        return [peer for peer in self.peers if python.label not in peer.refused]

    def say(self, text):
        if self.progress.isatty():
            self.progress.write("\r\033[K" + text[:78])
            self.progress.flush()

    def note(self, group, python, case, peer, run):
        with self.lock:
            heading = python.label + (", " + self.setting if self.setting else "")
            cases = self.results.setdefault(group, {}).setdefault(heading, {})
            cases.setdefault(case, {}).setdefault(peer.name, []).append(run)

    def fail(self, group, python, case, peer, why):
        with self.lock:
            self.failures.append({"group": group, "python": python.label, "case": case,
                                  "peer": peer.name, "why": why})
        self.say("")
        print("bench: %s, %s under %s, %s: %s" % (group, case, peer.name, python.label, why),
              file=sys.stderr)

    def one(self, group, python, case, peer, words, read, sample=False):
        """Runs one child; what `read` makes of its outcome is noted. Returns that, or None."""
        self.say("%s: %s, %s, %s" % (group, python.label, case, peer.name))
        try:
            outcome = spawn.run(peer.command(python, words), peer.environment(), sample)
            run = read(outcome)
        except (spawn.Failed, KeyError, ValueError, IndexError) as error:
            self.fail(group, python, case, peer, str(error) or type(error).__name__)
            return None
        self.note(group, python, case, peer, run)
        return run

    def turns(self, python, rounds):
        """Peers in the order of measuring, over all rounds."""
        peers = self.usable(python)
        for number in range(rounds):
            shift = number % len(peers)
            yield from peers[shift:] + peers[:shift]


def wall_and_cpu(outcome):
    return {"wall_s": outcome.wall_s, "cpu_s": outcome.cpu_s}


def speed(session, python, only):
    """Every speed program as a whole process: wall, CPU, and its own account of its peak."""
    def read(outcome):
        return dict(wall_and_cpu(outcome), peak_kb=outcome.lines()[-1]["peak_kb"])

    for name, path in programs("speed").items():
        if only and name not in only:
            continue
        for peer in session.turns(python, session.rounds):
            session.one("speed", python, name, peer, [path, "--scale", str(session.scale)], read)


def phases(outcome):
    """The marks of a give-back program as one flat dict: fresh_pss_kb, end_live_bytes, ..."""
    run = {}
    for line in outcome.lines():
        name = line.pop("mark", None)
        run.update(line if name is None else {"%s_%s" % (name, key): value
                                              for key, value in line.items()})
    return run


def giveback(session, python, only):
    """Give-back programs, whole and kept-only. They sleep most of the time and only their
    memory counts, so some run at once."""
    chosen = {name: words for name, words in giveback_cases().items()
              if not only or name in only}
    jobs = []
    for name, words in chosen.items():
        jobs += [("kept", name, peer, words + ["--json", "--kept-only"])
                 for peer in session.turns(python, 1)]
        jobs += [("giveback", name, peer, words + ["--json"])
                 for peer in session.turns(python, session.memory_rounds)]

    def work(job):
        group, name, peer, words = job
        return name, peer, session.one(group, python, name, peer, words, phases)

    with concurrent.futures.ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:
        digests = {}
        for name, peer, run in pool.map(work, jobs):
            if run and digests.setdefault(name, run["digest"]) != run["digest"]:
                session.fail("giveback", python, name, peer, "kept something else than others")


def bursty(session, python, _only):
    """The bursty story alone on the machine: mean RSS and time while the short ones run."""
    def read(outcome):
        marks = {line["mark"]: line for line in outcome.lines() if "mark" in line}
        begin_s, done_s = marks["short"]["at_s"], marks["done"]["at_s"]
        during = [rss_kb for at_s, rss_kb in outcome.samples if begin_s <= at_s <= done_s]
        return {"mean_kb": sum(during) / len(during), "short_s": done_s - begin_s,
                "fresh_kb": marks["fresh"]["rss_kb"], "peak_kb": marks["peak"]["rss_kb"]}

    words = [os.path.join(STORIES, "bursty.py"), "--json"]
    for peer in session.turns(python, 1 if session.quick else session.rounds):
        session.one("bursty", python, "bursty", peer, words, read, sample=True)


def cyclic(session, python, only):
    """Bursts of three kinds, with pauses of three lengths between them."""
    def read(outcome):
        return dict(wall_and_cpu(outcome), busy_s=outcome.lines()[-1]["busy_s"])

    path = os.path.join(PROGRAMS, "other", "cyclic_bursts.py")
    for kind in BURSTS:
        for pause_ms, cycles in PAUSES.items():
            name = "%s, %d ms" % (kind, pause_ms)
            if only and name not in only or session.quick and pause_ms == max(PAUSES):
                continue
            words = [path, "--kind", kind, "--pause-ms", str(pause_ms), "--cycles", str(cycles)]
            for peer in session.turns(python, 1 if session.quick else session.rounds):
                session.one("cyclic", python, name, peer, words, read)


def start(session, python, _only):
    """Start and end of an interpreter that does nothing, many times."""
    for peer in session.turns(python, 12 * session.rounds):
        session.one("start", python, "pass", peer, ["-c", "pass"], wall_and_cpu)


def forked(session, python, _only):
    """What forked children make their own of a large parent's memory."""
    def read(outcome):
        line = outcome.lines()[-1]
        return {"private_kb": line["private_dirty_kb"], "parent_kb": line["parent_kb"]}

    words = [os.path.join(PROGRAMS, "other", "forked_children.py")]
    for peer in session.turns(python, session.memory_rounds):
        session.one("forked", python, "children", peer, words, read)


def growth(session, python, _only):
    """A list and a bytearray that grow an append at a time, and cannot grow where they lie."""
    def read(outcome):
        line = outcome.lines()[-1]
        return {"busy_s": line["busy_s"], "faults": line["faults"], "peak_kb": line["peak_kb"]}

    words = [os.path.join(PROGRAMS, "other", "list_growth.py")]
    for peer in session.turns(python, session.rounds):
        session.one("growth", python, "list", peer, words, read)


MANY_HOLES = ["--blocks", "400000", "--bytes", "6000"]
C_MEMORY = {"rest": (["rest"], ()), "busy": (["busy"], ("round_s",)),  # words, and what else is read
            "malloc": (["malloc"], ("wait_s",)), "malloc, many holes": (["malloc"] + MANY_HOLES, ("wait_s",))}


def c_memory(session, python, only):
    """What C code freed: how much of it is still there 5 s later, and what that costs the program."""
    path = os.path.join(PROGRAMS, "other", "freed_by_c.py")
    for name, (words, more) in C_MEMORY.items():
        def read(outcome, keys=("taken_kb", "left_kb", *more)):
            line = outcome.lines()[-1]
            return {key: line[key] for key in keys}

        if only and name not in only or session.quick and words[1:]:
            continue
        for peer in session.turns(python, session.memory_rounds):
            session.one("c_memory", python, name, peer, [path] + words, read)


# In the order of measuring. Groups that matter on one Python are measured on the first alone,
# unless Pythons are named.
GROUPS = {"giveback": giveback, "bursty": bursty, "speed": speed, "cyclic": cyclic,
          "start": start, "forked": forked, "growth": growth, "c_memory": c_memory}
EVERY_PYTHON = ("speed", "start")
EVERY_SETTING = ("giveback", "bursty", "speed", "growth")  # measured in each mode of huge pages
