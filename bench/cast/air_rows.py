"""What is measured of one server: a function for each group of rows, which returns figures by name.

A figure that could not be had is None, and the table shows `-`. Memory is in KB as the kernel gives it.
"""
import resource
import statistics
import time
from contextlib import contextmanager

from load import Failed, Load
from servers import tcp_memory_bytes

MOUNT = "/live.mp3"
CROWDS = (800, 2000, 9000)
REST_S = 3.0  # from a change to a look at memory


class Bench:
    """What all rows share: where to work, and how large the work is."""

    def __init__(self, folder, programs, options):
        self.folder, self.programs, self.options, self.runs = folder, programs, options, 0

    @contextmanager
    def server(self, peer, more=""):
        """A fresh server and the load for it; both are gone afterwards."""
        self.runs += 1
        with peer(f"{self.folder}/{peer.name}-{self.runs}", more) as server, Load(self.programs, server.port) as load:
            yield server, load
            server.must_live()


def need_files(count):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if count + 200 > hard:
        raise Failed(f"{count:,} listeners need {count + 200:,} files, the hard limit (ulimit -Hn) is {hard:,}")


def steady_memory(server, seconds=2.0):
    """The median of some looks."""
    looks = []
    for _ in range(9):
        looks.append(server.memory())
        time.sleep(seconds / 9)
    return {key: statistics.median(look[key] for look in looks) for key in looks[0]}


def total(counts):
    return sum(counts.values())


def faults(report):
    """What is wrong with what listeners heard, in a dict of counts."""
    return {"corrupt": report["corrupt"], "skipped": report["skipped"], "disconnected": report["disconnected"],
            "behind": report["behind"], "refused": total(report["refused"]) + total(report["failed"])}


def unsound(*reports):
    """What is wrong with what listeners heard, in words; "" if nothing is. Figures of a server that does not
    send what it should are shown, but hold nothing."""
    sums = {}
    for report in reports:
        for name, count in faults(report).items():
            sums[name] = sums.get(name, 0) + count
    return ", ".join(f"{name} {count:,}" for name, count in sums.items() if count)


# ---- the groups ------------------------------------------------------------------


def idle(bench, peer):
    """Nobody is there; then a source, whose ring is full."""
    with bench.server(peer) as (server, load):
        time.sleep(REST_S)
        alone = server.memory()
        load.source(MOUNT)
        time.sleep(REST_S)
        fed = server.memory()
    return {"rss": alone["rss"], "pss": alone["pss"], "fed_rss": fed["rss"], "fed_pss": fed["pss"]}


def rss(bench, peer):
    """Listeners come until there are 800, 2,000 and 9,000, and all leave."""
    need_files(CROWDS[-1])
    figures, here = {}, 0
    with bench.server(peer) as (server, load):
        load.source(MOUNT)
        time.sleep(REST_S)
        figures["before"] = server.memory()["rss"]
        crowds = []
        for count in CROWDS:
            crowds.append(load.streaming(MOUNT, count - here))
            here = count
            time.sleep(REST_S)
            look = steady_memory(server)
            figures[str(count)], figures[f"pss_{count}"] = look["rss"], look["pss"]
        for crowd in crowds:
            crowd.process.terminate()
        reports = [crowd.end() for crowd in crowds]
        time.sleep(10)
        figures["after"] = server.memory()["rss"]
    figures["unsound"] = unsound(*reports)
    first, last = CROWDS[0], CROWDS[-1]
    figures["per_listener"] = (figures[str(last)] - figures[str(first)]) / (last - first)
    figures["left"] = figures["after"] / figures["before"]
    return figures


def cpu(bench, peer, more=""):
    """2,000 listeners, and what they cost."""
    options = bench.options
    with bench.server(peer, more) as (server, load):
        source = load.source(MOUNT)
        crowd = load.streaming(MOUNT, options.cpu_listeners)
        time.sleep(5)
        began, before_s = time.monotonic(), server.cpu_s()
        time.sleep(options.cpu_seconds)
        used_s, took_s = server.cpu_s() - before_s, time.monotonic() - began
        report, late_ms = crowd.end(), source.end()["late_ms"]
    return {"unsound": unsound(report), "per_minute": used_s / options.cpu_listeners / (took_s / 60), "cpu_s": used_s,
            "seconds": took_s, "gap_ms": report["gap_ms"], "source_late_ms": late_ms}


def batch(bench, peer):
    """The same with one-second batches, which Icecast does not have."""
    return cpu(bench, peer, "batch = 1 s") if peer.name == "neap" else {"per_minute": None}


def stalled(bench, peer):
    """Listeners who read the head and nothing more, until queues and socket buffers are full."""
    options, count = bench.options, 100
    with bench.server(peer) as (server, load):
        load.source(MOUNT, rate=1_000_000)
        time.sleep(REST_S)
        before_kb, before_tcp = steady_memory(server)["pss"], tcp_memory_bytes()
        crowd = load.streaming(MOUNT, count, stalled=count)
        peak = {"all": 0.0, "server": 0.0, "tcp": 0.0}
        until = time.monotonic() + options.stalled_seconds
        while time.monotonic() < until:
            time.sleep(1)
            grown_kb, grown_tcp = server.memory()["pss"] - before_kb, (tcp_memory_bytes() - before_tcp) / 1024
            if grown_kb + grown_tcp > peak["all"]:
                peak = {"all": grown_kb + grown_tcp, "server": grown_kb, "tcp": grown_tcp}
        report = crowd.end()
    if report["connected"] != count:
        raise Failed(f"stalled: {report['connected']} of {count} were let in")
    return {**peak, "own": report["receive_memory"] / 1024}


def burst(bench, peer):
    """All connect at once."""
    count = bench.options.burst_listeners
    need_files(count)
    with bench.server(peer) as (server, load):
        load.source(MOUNT)
        time.sleep(REST_S)
        report = load.listeners(MOUNT, count, rate=0, pending=0, once=True, seconds=30).finish(60)
    all_ms = report["all_streaming_ms"] if report["heard"] == count else None
    return {"unsound": f"corrupt {report['corrupt']:,}" if report["corrupt"] else "",
            "all_s": all_ms / 1000 if all_ms else None, "p50_ms": report["first_byte_ms"]["p50"],
            "p99_ms": report["first_byte_ms"]["p99"], "heard": report["heard"], "count": count,
            "refused": total(report["refused"]) + total(report["failed"])}


def sustained(bench, peer):
    """Many listen for long, and every byte of a sample is verified."""
    options, count = bench.options, bench.options.sustain_listeners
    need_files(count)
    with bench.server(peer) as (server, load):
        source = load.source(MOUNT)
        crowd = load.streaming(MOUNT, count, 1800)
        began, before_s = time.monotonic(), server.cpu_s()
        time.sleep(options.sustain)
        used_s, took_s = server.cpu_s() - before_s, time.monotonic() - began
        memory = server.memory()
        report, late_ms = crowd.end(), source.end()["late_ms"]
    wrong = faults(report)
    wrong["not_verified"] = 0 if report["verified"] > 0 else 1
    return {**wrong, "faults": total(wrong), "count": count, "seconds": took_s, "verified": report["verified"],
            "bytes": report["bytes"], "gap_ms": report["gap_ms"], "lag_bytes": report["lag_bytes"],
            "processors": used_s / took_s, "rss": memory["rss"], "source_late_ms": late_ms}


def churn(bench, peer):
    """Listeners come and leave, and a source of another mount, too. What is left of it in memory?"""
    options = bench.options
    connects, turns, rate = options.churn_connects, options.churn_reconnects, options.churn_rate
    crowd_size, seconds = max(10, connects // 200), connects / rate
    need_files(crowd_size)
    with bench.server(peer) as (server, load):
        load.source(MOUNT)
        other = load.source("/other.mp3", ahead=2 ** 16, turns=turns,
                            turn_ms=max(20, int(1000 * seconds / turns) - 50))
        crowd = load.listeners(MOUNT, crowd_size, rate=rate, churn=rate, connects=connects, rest_at=connects // 100,
                               rest=5000, sources_of_address=64)
        crowd.wait_for("resting", 60 + crowd_size / rate * 4)
        time.sleep(REST_S / 2)
        first = steady_memory(server)
        crowd.wait_for("connected", 120 + 4 * seconds)
        if turns > 1:
            other.wait_for("last turn", 120 + 4 * seconds)
        time.sleep(REST_S)
        last = steady_memory(server)
        report, turned = crowd.end(), other.end()
    wrong = faults(report)
    return {**wrong, "unsound": unsound(report), "growth": last["rss"] / first["rss"], "first": first["rss"],
            "last": last["rss"], "connects": report["connects"], "reconnects": turned["on_air"],
            "source_refused": total(turned["refused"]), "source_broken": turned["broken"], "seconds": report["seconds"],
            "p99_ms": report["first_byte_ms"]["p99"]}


GROUPS = {"idle": idle, "rss": rss, "cpu": cpu, "batch": batch, "stalled": stalled, "burst": burst,
          "sustained": sustained, "churn": churn}
