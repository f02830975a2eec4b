"""Rows and results as text: 80 columns for a terminal, Markdown for docs/figures.md."""
import os
import platform
import statistics

from . import rows as numbers

SHORT = {"cpython": "cpyth", "mimalloc": "mimal", "jemalloc": "jemal", "tcmalloc": "tcmal",
         "own-mimalloc": "ownmi", "neap-env": "n-env",
         "jemalloc-tuned": "jetun", "neap-no-mesh": "nomesh", "neap-hardened": "nhard", "mimalloc-secure": "misec"}
WORD = {"met": "met", "missed": "MISS", "unmeasured": "?", "": ""}
LOUD = 1.03  # a single program above this is marked
UNSTEADY = 5.0  # percent between runs of the same before single programs are in doubt
QUIET = 0.03  # the share of the processors that others may use before times are in doubt


def peer_order(names):
    """Neap, then CPython's own, then the others as they come."""
    return sorted(names, key=lambda name: (name != "neap", name != "cpython"))


def cells(values, width=6):
    return "".join(" %*s" % (width - 1, value) for value in values)


def summary(rows, peers):
    """The table of the numbers, a heading for each Python."""
    lines, heading, peers = [], None, peer_order(peers)
    for row in rows:
        if row.python != heading:
            heading = row.python
            lines.append("\n%-33s %8s" % ("Python " + heading, "wanted")
                         + cells(SHORT.get(peer, peer) for peer in peers))
        lines.append("%-4s %-28s %8s" % (WORD[row.verdict()], row.what, row.wanted())
                     + cells(row.figure(peer) for peer in peers))
        if row.note:
            lines.append("     . " + row.note)
    return "\n".join(lines)


def spread(runs, key):
    """Coefficient of variation in percent."""
    values = [run[key] for run in runs or ()]
    return 100 * statistics.stdev(values) / statistics.fmean(values) if len(values) > 1 else 0.0


def ratio_table(title, cases, key, peers):
    """One line a case: CPython's own figure and its spread, then ratios to it."""
    table = numbers.ratios(cases, key)
    others = [peer for peer in peer_order(peers) if peer != "cpython" and peer in table]
    lines = ["\n" + title, "%-23s%9s%6s" % ("", "cpython", "+-%") + cells(others, 9)]
    for case in sorted(cases):
        own = numbers.middle(cases[case].get("cpython"), key)
        if own is None:
            continue
        ratios = ["%.3f%s" % (table[peer][case], "!" if table[peer][case] > LOUD else " ")
                  if case in table[peer] else "failed " for peer in others]
        lines.append("%-23s%9.3f%6.1f" % (case, own, spread(cases[case]["cpython"], key))
                     + cells(ratios, 9))
    for word, pick in (("geometric mean", numbers.means), ("worst", numbers.worsts)):
        picked = pick(table)
        lines.append("%-38s" % word + cells(("%.3f " % picked[peer] for peer in others), 9))
    return "\n".join(lines)


def giveback_table(python, cases, kept, peers):
    """One line a program: CPython's own MB, then the share given back under each peer."""
    peers = peer_order(peers)
    lines = ["\ngiven back, Python %s: MB under CPython's own, then shares" % python,
             "%-20s%8s%6s%6s" % ("", "peak", "end", "kept")
             + cells(SHORT.get(peer, peer) for peer in peers)]
    for case, runs in cases.items():
        only = kept.get(case, {})
        megabytes = [numbers.middle(runs.get("cpython"), "peak_pss_kb"),
                     numbers.middle(runs.get("cpython"), "end_pss_kb"),
                     numbers.middle(only.get("cpython"), "kept_pss_kb")]
        shares = [numbers.given_back(runs.get(peer), only.get(peer)) for peer in peers]
        lines.append("%-20s" % case + "  " + cells(
            "-" if size is None else "%.0f" % (size / numbers.MB) for size in megabytes)
            + cells("-" if share is None else "%.2f" % share for share in shares))
    return "\n".join(lines)


def page_table(python, cases):
    """One line a program: what Neap's heap says beside what the kernel says. None without it."""
    lines = ["\nNeap's pages, Python %s: MB above fresh" % python,
             "%-20s%10s%10s%10s%10s" % ("", "Pss", "pages", "beyond", "live")]
    for case, runs in cases.items():
        told = [run for run in runs.get("neap", ()) if numbers.held_pages(run, "end") is not None]
        if told:
            pages = statistics.median(numbers.held_pages(run, "end")
                                      - numbers.held_pages(run, "fresh") for run in told)
            live = statistics.median(run["end_live_bytes"] - run["fresh_live_bytes"]
                                     for run in told)
            lines.append("%-20s%10.1f%10.1f%10.1f%10.1f" % (
                case, numbers.above_fresh(told), pages / 2 ** 20, numbers.surplus(told, 1.0),
                live / 2 ** 20))
    return "\n".join(lines) if len(lines) > 2 else None


def details(results, peers):
    """What is behind the rows, program by program."""
    parts = []
    for python, cases in results.get("giveback", {}).items():
        parts.append(giveback_table(python, cases, results.get("kept", {}).get(python, {}), peers))
        parts.append(page_table(python, cases))
    for group, key, what in (("speed", "wall_s", "speed, wall time"),
                             ("cyclic", "busy_s", "cyclic, time without the pauses")):
        for python, cases in results.get(group, {}).items():
            parts.append(ratio_table("%s, Python %s: seconds, then ratios" % (what, python),
                                     cases, key, peers))
    return "\n".join(part for part in parts if part)


def machine():
    """What the figures depend on, in a line."""
    return "%s, %d processors, Linux %s, pages of %d KiB" % (
        platform.machine(), os.cpu_count() or 1, ".".join(platform.release().split(".")[:2]),
        os.sysconf("SC_PAGE_SIZE") // 1024)


def unsteadiness(results):
    """Percent by which CPython's own runs of one speed program differ, the median program's."""
    spreads = [spread(runs.get("cpython"), "wall_s") for cases in results.get("speed", {}).values()
               for runs in cases.values()]
    return statistics.median(spreads) if spreads else 0.0


def disturbance(report):
    """What to know before believing the times: empty if the machine was the bench's own, and steady."""
    share, percent = report["foreign_share"], unsteadiness(report["results"])
    text = ""
    if share >= QUIET:
        text += "; DISTURBED: other programs used %.0f %% of the processors" % (100 * share)
    if percent >= UNSTEADY:
        text += ("; UNSTEADY: the machine did one and the same program in times that differ by %.0f %%, "
                 "so that ratios of single programs say little" % percent)
    return text


MARKS = "<!-- figures:start -->", "<!-- figures:end -->"


def row_lines(rows, peers):
    """The rows as Markdown tables, one a Python."""
    lines, heading, pythons = [], None, [row.python for row in rows]
    for row in sorted(rows, key=lambda row: pythons.index(row.python)):
        if row.python != heading:
            heading = row.python
            lines += ["", "**Python %s**" % heading, "",
                      "| what | wanted | " + " | ".join(peers) + " | | note |",
                      "|---|---|" + "---|" * len(peers) + "---|---|"]
        verdict = row.verdict()
        lines.append("| %s | %s | %s | %s | %s |" % (
            row.what, row.wanted().replace("<=", "≤").replace(">=", "≥"),
            " | ".join(row.figure(peer) for peer in peers),
            "**missed**" if verdict == "missed" else verdict, row.note))
    return lines


def between_marks(text, rows, peers, report):
    """`text` with the rows in place of whatever stood between its two marks."""
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    how = "Medians of %d runs%s on %s%s." % (
        report["rounds"], " (`--quick`; memory: single runs)" if report["quick"] else "", report["machine"],
        disturbance(report))
    lines = [MARKS[0], how, *row_lines(rows, peer_order(peers)), "", MARKS[1]]
    return before + "\n".join(lines) + after


def markdown(rows, peers, report):
    """docs/figures.md, whole."""
    peers = peer_order(peers)
    lines = ["# The numbers", "",
             "Written by `./dev bench --write docs/figures.md`; not to be edited. What each row",
             "means is in [bench/README.md](../bench/README.md). Medians of %d runs%s;"
             % (report["rounds"], ", quick (memory: single runs)" if report["quick"] else ""),
             "ratios are to CPython's own allocator in the same run; MB are 2^20 bytes. Measured on:",
             "%s%s." % (report["machine"], disturbance(report).replace("; ", ";\n")), *row_lines(rows, peers)]
    for title, items in (("Left out", report["left_out"]), ("Failed", report["failures"])):
        if items:
            lines += ["", "## " + title, ""]
            lines += ["- " + ", ".join(str(value) for value in item.values()) for item in items]
    lines += ["", "## Program by program", "", "```", details(report["results"], peers).strip(),
              "```", ""]
    return "\n".join(lines)


def write(path, rows, peers, report):
    """Writes docs/figures.md, or, into a document that has the two marks, what belongs between."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    marked = all(mark in text for mark in MARKS)
    text = between_marks(text, rows, peers, report) if marked else markdown(rows, peers, report)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
