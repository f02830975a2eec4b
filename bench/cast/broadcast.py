#!/usr/bin/python3
"""neap-cast and Icecast side by side: what listeners cost, and whether each of them hears every byte.

`broadcast.py [--rows idle,rss,…] [--peers neap,icecast] [--rounds N] [--json FILE]` starts each server on
loopback, feeds it, lets listeners come, and prints a row for each figure beside what is wanted of Neap.
Figures are medians over the rounds; peers take turns within each. README.md says what each row is.
"""
import argparse
import json
import os
import resource
import signal
import statistics
import sys
import tempfile
from collections import namedtuple
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]

import air_rows  # noqa: E402
from harness.figures import machine  # noqa: E402
from load import Failed, compile_programs  # noqa: E402
from servers import PEERS, ROOT  # noqa: E402

# What is shown of a group's figures; `scale` makes the shown unit of the measured one; at most `wanted`, or None.
Row = namedtuple("Row", "group key what scale digits wanted")

MB = 1 / 1024  # of a KB
ROWS = [
    Row("idle", "rss", "RSS idle, MB", MB, 1, 3),
    Row("idle", "pss", "Pss idle, MB", MB, 1, None),
    Row("idle", "fed_rss", "RSS with a source, MB", MB, 1, None),
    Row("rss", "800", "RSS, 800 listeners, MB", MB, 1, 4),
    Row("rss", "2000", "RSS, 2,000 listeners, MB", MB, 1, 4),
    Row("rss", "9000", "RSS, 9,000 listeners, MB", MB, 1, 6),
    Row("rss", "per_listener", "RSS a listener, KB", 1, 2, .25),
    Row("rss", "left", "RSS 10 s after all left, x", 1, 3, 1.10),
    Row("cpu", "per_minute", "CPU a listener-minute, ms", 1000, 2, 1.0),
    Row("batch", "per_minute", "the same, 1 s batches, ms", 1000, 2, .5),
    Row("stalled", "all", "100 stalled, with kernel, MB", MB, 1, 16),
    Row("stalled", "own", "of it listeners' own, MB", MB, 1, None),
    Row("burst", "all_s", "{burst:,} at once, s", 1, 2, 2),
    Row("burst", "p99_ms", "first byte of them, p99, ms", 1, 0, None),
    Row("sustained", "faults", "{sustain:,} for {seconds} s, faults", 1, 0, 0),
    Row("sustained", "gap_ms", "largest gap of them, ms", 1, 0, None),
    Row("sustained", "processors", "processors used by them", 1, 2, None),
    Row("churn", "growth", "RSS after churn, x", 1, 3, 1.02),
    Row("churn", "p99_ms", "first byte in churn, p99, ms", 1, 0, None),
]


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    groups = air_rows.GROUPS
    parser.add_argument("--rows", default=",".join(groups), help="groups of rows, of " + ", ".join(groups))
    parser.add_argument("--peers", default=",".join(PEERS), help="servers, of " + ", ".join(PEERS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="all figures of all rounds go there")
    parser.add_argument("--cpu-listeners", type=int, default=2000)
    parser.add_argument("--cpu-seconds", type=float, default=30)
    parser.add_argument("--stalled-seconds", type=float, default=60)
    parser.add_argument("--burst-listeners", type=int, default=5000)
    parser.add_argument("--sustain", type=float, default=20, metavar="SECONDS", help="600 for the promise")
    parser.add_argument("--sustain-listeners", type=int, default=15000)
    parser.add_argument("--churn-connects", type=int, default=20_000, help="1000000 for the promise")
    parser.add_argument("--churn-reconnects", type=int, default=200, help="10000 for the promise")
    parser.add_argument("--churn-rate", type=int, default=500, help="connects a second")
    options = parser.parse_args()
    options.rows, options.peers = options.rows.split(","), options.peers.split(",")
    for name, known in (("rows", groups), ("peers", PEERS)):
        unknown = set(getattr(options, name)) - set(known)
        if unknown:
            parser.error(f"--{name}: {', '.join(sorted(unknown))} is none of {', '.join(known)}")
    return options


def usable_peers(names):
    """The peers that are there; the others are named."""
    peers = []
    for name in names:
        why = PEERS[name].missing()
        if why:
            print(f"broadcast: skipped {name}: {why}", file=sys.stderr)
        else:
            peers.append(PEERS[name])
    return peers


def measure(bench, peers, options, results):
    """Fills results["figures"][group][peer] with one dict of figures a round."""
    for number in range(options.rounds):
        for group in options.rows:
            shift = number % len(peers)
            for peer in peers[shift:] + peers[:shift]:
                if sys.stderr.isatty():
                    print(f"\r\033[K{number + 1}: {group}, {peer.name}", end="", file=sys.stderr, flush=True)
                try:
                    figures = air_rows.GROUPS[group](bench, peer)
                except (Failed, OSError, KeyError) as error:
                    results["failures"].append({"group": group, "peer": peer.name, "why": str(error) or repr(error)})
                    continue
                results["figures"].setdefault(group, {}).setdefault(peer.name, []).append(figures)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def figure(results, row, peer):
    """The median over the rounds in the shown unit, or None."""
    runs = results["figures"].get(row.group, {}).get(peer, [])
    values = [run[row.key] for run in runs if run.get(row.key) is not None]
    return statistics.median(values) * row.scale if values and len(values) == len(runs) else None


def verdict(results, row, value):
    """Of Neap. What is not measured, or measured of a server that sends wrong bytes, holds nothing."""
    if row.wanted is None:
        return ""
    runs = results["figures"].get(row.group, {}).get("neap", [])
    if value is None:
        return "MISS" if runs and row.group != "batch" else "?"
    if any(run.get("unsound") for run in runs):
        return "unsound"
    return "met" if value <= row.wanted else "MISS"


def table(results, peers, options):
    """Markdown, at most 80 columns."""
    lines = ["| %-32s | %7s |" % ("what", "wanted") + "".join(" %8s |" % peer for peer in peers) + " holds   |",
             "|---|---|" + "---|" * len(peers) + "---|"]
    for row in ROWS:
        if row.group not in results["figures"]:
            continue
        values = {peer: figure(results, row, peer) for peer in peers}
        if not any(value is not None for value in values.values()) and row.group == "batch":
            continue
        what = row.what.format(burst=options.burst_listeners, sustain=options.sustain_listeners,
                               seconds=round(options.sustain))
        wanted = "" if row.wanted is None else f"<= {row.wanted:g}" if row.wanted else "0"
        shown = ["-" if value is None else f"{value:,.{row.digits}f}" for value in values.values()]
        lines.append("| %-32s | %7s |" % (what, wanted) + "".join(" %8s |" % value for value in shown)
                     + " %-7s |" % verdict(results, row, values.get("neap")))
    return "\n".join(lines)


def remarks(results):
    """What the table cannot say: rows that failed, and faults that listeners found."""
    for group, peers in results["figures"].items():
        for peer, runs in peers.items():
            for text in dict.fromkeys(run["unsound"] for run in runs if run.get("unsound")):
                yield f"{group}, {peer}: listeners found {text}"
            if group == "burst" and any(run["all_s"] is None for run in runs):
                heard = min(run["heard"] for run in runs)
                yield f"{group}, {peer}: {heard:,} of {runs[0]['count']:,} heard anything within 30 s"
            if group == "sustained" and any(run["faults"] for run in runs):
                names = ("corrupt", "skipped", "disconnected", "behind", "refused", "not_verified")
                yield f"{group}, {peer}: " + ", ".join(
                    f"{name} {run[name]:,}" for run in runs for name in names if run[name])
    for failure in results["failures"]:
        yield "{group}, {peer}: not measured: {why}".format(**failure)


def prepare():
    """As many files as are allowed, for the servers too; SIGTERM ends the bench as Ctrl-C does."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    programs = ROOT / "build/bench"
    programs.mkdir(parents=True, exist_ok=True)
    compile_programs(programs)
    return programs


def main():
    options = read_options()
    programs, peers = prepare(), usable_peers(options.peers)
    if not peers:
        return 0
    results = {"machine": machine(), "peers": {peer.name: peer.told_version() for peer in peers},
               "rounds": options.rounds, "figures": {}, "failures": [], "load_average": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="neap-bench-") as folder:
        os.chmod(folder, 0o755)
        measure(air_rows.Bench(folder, programs, options), peers, options, results)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    print(f"{results['machine']}; " + ", ".join(results["peers"].values())
          + f"; medians of {options.rounds}; load {results['load_average']:.1f} before\n")
    print(table(results, [peer.name for peer in peers], options))
    for text in remarks(results):
        print(f"\n- {text}")
    return 1 if results["failures"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
