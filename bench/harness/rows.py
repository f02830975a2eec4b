"""From results to the rows of the table: what is wanted, what was measured, met or missed.

Nothing is typed in here but what is wanted. A row's figures are one number for each peer;
its verdict is Neap's figure against the limit.
"""
import math
import statistics

MB = 1024.0  # figures of the kernel are in KiB; MB here are 2^20 bytes


class Row:
    def __init__(self, group, python, what, figures, limit=None, least=False, form="%.2f",
                 note=""):
        self.group, self.python, self.what, self.figures = group, python, what, figures
        self.limit, self.least, self.form, self.note = limit, least, form, note

    def verdict(self):
        figure = self.figures.get("neap")
        if figure is None:
            return "unmeasured"
        if self.limit is None:
            return ""
        good = figure >= self.limit if self.least else figure <= self.limit
        return "met" if good else "missed"

    def wanted(self):
        if self.limit is None:
            return "-"
        return (">= " if self.least else "<= ") + self.form % self.limit

    def figure(self, peer):
        figure = self.figures.get(peer)
        return "-" if figure is None else self.form % figure

    def as_data(self):
        return {"group": self.group, "python": self.python, "what": self.what,
                "wanted": self.wanted(), "limit": self.limit, "figures": self.figures,
                "verdict": self.verdict(), "note": self.note}


def middle(runs, key):
    """The median of a figure over runs, None if it was not measured."""
    values = [run[key] for run in runs or () if key in run]
    return statistics.median(values) if values else None


def best(results):
    """The same results with one run each, made of the least of every figure."""
    if isinstance(results, dict):
        return {name: best(inner) for name, inner in results.items()}
    return [{key: min(run[key] for run in results if key in run)
             for key in {key for run in results for key in run}}]


def geometric(values):
    return math.exp(statistics.fmean(map(math.log, values))) if values else None


def peers_of(cases):
    """Every peer that any case has, CPython's own first."""
    names = []
    for runs in cases.values():
        names += [name for name in runs if name not in names]
    return sorted(names, key=lambda name: name != "cpython")


def ratio(own, other, key):
    """The median of the ratios within each round: a machine that changes its pace from one round
    to the next changes both. Of the medians, where a run is missing. None without figures."""
    own, other = ([run[key] for run in runs or () if key in run] for runs in (own, other))
    if not own or not other or min(own) <= 0:
        return None
    if len(own) == len(other):
        return statistics.median(there / here for here, there in zip(own, other))
    return statistics.median(other) / statistics.median(own)


def ratios(cases, key):
    """{peer: {case: ratio to CPython's own}}."""
    table = {}
    for peer in peers_of(cases):
        for case, runs in cases.items():
            found = ratio(runs.get("cpython"), runs.get(peer), key)
            if found is not None:
                table.setdefault(peer, {})[case] = found
    return table


def means(table):
    return {peer: geometric(by_case.values()) for peer, by_case in table.items()}


def worsts(table):
    return {peer: max(by_case.values()) for peer, by_case in table.items() if by_case}


def worst_name(table):
    """The case in which Neap is worst, for a note."""
    by_case = table.get("neap")
    return max(by_case, key=by_case.get) if by_case else ""


def above_fresh(runs, key="end_pss_kb"):
    """Pss above the same process's when it was fresh, in MB."""
    values = [run[key] - run["fresh_pss_kb"] for run in runs or () if key in run]
    return statistics.median(values) / MB if values else None


def held_pages(run, phase):
    """Bytes of pages that hold a live block, as the heap tells; None under other allocators."""
    parts = [run.get("%s_%s_bytes" % (phase, part)) for part in ("live", "cached", "free")]
    return None if None in parts else sum(parts)


def surplus(runs, factor):
    """MB by which Pss above fresh exceeds `factor` times the pages that live blocks hold above
    fresh: what is not page-bound."""
    values = []
    for run in runs or ():
        if "end_pss_kb" in run and held_pages(run, "end") is not None:
            pages_kb = (held_pages(run, "end") - held_pages(run, "fresh")) / 1024.0
            values.append(run["end_pss_kb"] - run["fresh_pss_kb"] - factor * pages_kb)
    return statistics.median(values) / MB if values else None


def given_back(whole, kept):
    """(peak - end) / (peak - kept only), None if one of them is missing."""
    peak, end = middle(whole, "peak_pss_kb"), middle(whole, "end_pss_kb")
    only = middle(kept, "kept_pss_kb")
    if None in (peak, end, only) or peak <= only:
        return None
    return (peak - end) / (peak - only)


def story_rows(python, cases):
    wanted = [("strings 50", "million strings, keep 50", 4),
              ("strings 1%", "million strings, keep 1 %", 5),
              ("strings 10%", "million strings, keep 10 %", 16),
              ("strings 25%", "million strings, keep 25 %", 52),
              ("strings half", "million strings, half", None),
              ("strings first", "million strings, first half", 45),
              ("stations", "stations, 540 of 600 go", 13),
              ("session_expiry", "session_expiry", 5),
              ("csv_filter", "csv_filter", 6),
              ("float_series", "float_series", 5),
              ("log_aggregation", "log_aggregation", 38)]
    rows = []
    for case, what, limit in wanted:
        if case not in cases:
            continue
        figures = {peer: above_fresh(runs) for peer, runs in cases[case].items()}
        before = above_fresh(cases[case].get("cpython"), "peak_pss_kb")
        note = "MB above fresh" + (", %.0f before" % before if before else "")
        rows.append(Row("giveback", python, what, figures, limit, form="%.1f", note=note))
        if case == "strings 1%":
            rows.append(Row("giveback", python, "of it not page-bound",
                            {"neap": surplus(cases[case].get("neap"), 1.0)}, 4, form="%.1f",
                            note="MB"))
    return rows


def giveback_rows(python, cases, kept):
    rows = story_rows(python, cases)
    over = {case: surplus(runs.get("neap"), 1.02) for case, runs in cases.items()}
    over = {case: value for case, value in over.items() if value is not None}
    worst = max(over, key=over.get) if over else ""
    rows.append(Row("giveback", python, "any: Pss beyond 1.02 x pages",
                    {"neap": over.get(worst)}, 4, form="%.1f",
                    note="MB; worst is %s of %d" % (worst, len(over)) if over else ""))
    shares = {}
    for case, runs in cases.items():
        for peer, whole in runs.items():
            share = given_back(whole, kept.get(case, {}).get(peer))
            if share is not None:
                shares.setdefault(peer, {})[case] = share
    figures = {peer: statistics.median(values.values()) for peer, values in shares.items()}
    least = sorted(shares.get("neap", {}).items(), key=lambda item: item[1])[:3]
    rows.append(Row("giveback", python, "given back, median", figures, 0.98, least=True,
                    note="%d programs; least: %s" % (len(cases), ", ".join(
                        "%s %.2f" % pair for pair in least)) if least else ""))
    return rows


def bursty_rows(python, cases):
    runs = cases["bursty"]
    mean = {peer: statistics.median(run["mean_kb"] - run["fresh_kb"] for run in some) / MB
            for peer, some in runs.items()}
    peak = middle(runs.get("cpython"), "peak_kb")
    time = means(ratios(cases, "short_s"))
    return [Row("bursty", python, "bursty, mean in the short ones", mean, 16, form="%.1f",
                note="MB above fresh" + ("; peak %.0f" % (peak / MB) if peak else "")),
            Row("bursty", python, "bursty, time of the short ones", time, 1.0)]


SPEED_WANTED = {"3.11": 0.97, "3.13": 0.95}


def speed_rows(python, cases):
    wall, cpu, peak = (ratios(cases, key) for key in ("wall_s", "cpu_s", "peak_kb"))
    minor = ".".join(python.split()[0].split(".")[:2])
    mean = means(wall)
    count = "%d programs" % len(cases)
    rows = [Row("speed", python, "speed, geometric mean", mean, SPEED_WANTED.get(minor),
                form="%.3f", note=count)]
    if "mimalloc" in mean:
        rows.append(Row("speed", python, "speed, ahead of mimalloc", mean, mean["mimalloc"],
                        form="%.3f"))
    rows += [Row("speed", python, "speed, worst single", worsts(wall), 1.03,
                 note=worst_name(wall)),
             Row("speed", python, "speed in CPU time, mean", means(cpu), form="%.3f"),
             Row("speed", python, "peak RSS, geometric mean", means(peak), 1.0, note=count),
             Row("speed", python, "peak RSS, worst single", worsts(peak), 1.05,
                 note=worst_name(peak))]
    return rows


def cyclic_rows(python, cases):
    busy, cpu = ratios(cases, "busy_s"), ratios(cases, "cpu_s")
    return [Row("cyclic", python, "cyclic, mean", means(busy), 1.02),
            Row("cyclic", python, "cyclic, worst", worsts(busy), note=worst_name(busy)),
            Row("cyclic", python, "cyclic in CPU time, mean", means(cpu))]


def start_rows(python, cases):
    return [Row("start", python, "start of python3 -c pass", means(ratios(cases, "wall_s")), 1.03,
                note="%.1f ms" % (1000 * middle(cases["pass"]["cpython"], "wall_s"))
                if "cpython" in cases["pass"] else "")]


def forked_rows(python, cases):
    parent = middle(cases["children"].get("cpython"), "parent_kb")
    return [Row("forked", python, "forked children, dirty",
                means(ratios(cases, "private_kb")), 1.0,
                note="8 of a parent of %.0f MB" % (parent / MB) if parent else "")]


def growth_rows(python, cases):
    return [Row("growth", python, "list to 10 M, time", means(ratios(cases, "busy_s")), 1.0,
                note="and a bytearray; %.2f s" % middle(cases["list"].get("cpython"), "busy_s")
                if "cpython" in cases["list"] else ""),
            Row("growth", python, "list to 10 M, page faults", means(ratios(cases, "faults")), 1.0,
                form="%.3f"),
            Row("growth", python, "list to 10 M, peak RSS", means(ratios(cases, "peak_kb")), 1.02)]


C_MEMORY_WANTED = {"rest": 10.0, "busy": 10.0}


def scaled(runs_of, key, factor):
    """{peer: the median of a figure, times a factor}; those that were measured."""
    found = {peer: middle(runs, key) for peer, runs in runs_of.items()}
    return {peer: figure * factor for peer, figure in found.items() if figure is not None}


def c_memory_rows(python, cases):
    rows = []
    for name, runs in cases.items():
        taken = middle(runs.get("cpython"), "taken_kb")
        rows.append(Row("c_memory", python, "freed by C code, " + name, scaled(runs, "left_kb", 1 / MB),
                        C_MEMORY_WANTED.get(name), form="%.1f",
                        note="MB above fresh after 5 s, %.0f before" % (taken / MB) if taken else ""))
        if name.startswith("malloc"):
            rows.append(Row("c_memory", python, "longest malloc meanwhile" + name[len("malloc"):],
                            scaled(runs, "wait_s", 1000), 20.0, form="%.1f", note="ms"))
    if "busy" in cases:
        rows.append(Row("c_memory", python, "CPU time of the busy program",
                        means(ratios({"busy": cases["busy"]}, "round_s")), 1.01))
    return rows


MAKERS = {"bursty": bursty_rows, "speed": speed_rows, "cyclic": cyclic_rows,
          "start": start_rows, "forked": forked_rows, "growth": growth_rows, "c_memory": c_memory_rows}


def table(results):
    """All rows that the results have something for, in the order of the groups measured."""
    rows = []
    for group, pythons in results.items():
        for python, cases in pythons.items():
            if group == "giveback":
                kept = results.get("kept", {}).get(python, {})
                rows += giveback_rows(python, cases, kept)
            elif group in MAKERS:
                rows += MAKERS[group](python, cases)
    return rows
