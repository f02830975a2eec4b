"""The bench at a tiny scale: every program runs and its own check holds; figures and verdicts are
computed from what was measured. No time and no size is tested here."""
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support import NEAP, clean_environment, needs_neap

BENCH = Path(__file__).resolve().parent.parent.parent / "bench"
PROGRAMS = BENCH / "programs"
sys.path.insert(0, str(BENCH))
from harness import figures, huge_pages, measure, rows  # noqa: E402  (the folder is not a package)


def run(*words):
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True,
                          env=clean_environment(PYTHONPATH="%s:%s" % (PROGRAMS, NEAP.parent / "python"), PYTHONHASHSEED="0"),
                          timeout=120)


def objects(finished):
    assert finished.returncode == 0, finished.stderr
    return [json.loads(line) for line in finished.stdout.splitlines()]


@pytest.mark.parametrize("name", measure.programs("speed"))
def test_speed_program(name):
    line, = objects(run(measure.programs("speed")[name], "--scale", "0.01"))
    assert line["program"] == name
    assert line["rounds"] >= 1 and line["peak_kb"] > 1000


@pytest.mark.parametrize("verdict", ["True", "False"])
def test_speed_program_ends_with_1_on_a_wrong_result(tmp_path, verdict):
    path = tmp_path / "liar.py"
    path.write_text("import workload\n"
                    "workload.main(lambda state, number: 1, lambda *_: %s, rounds=2)\n" % verdict)
    finished = run(path)
    assert finished.returncode == (verdict == "False")
    assert ("round 0: the result is wrong" in finished.stderr) == (verdict == "False")


@pytest.mark.parametrize("name", measure.giveback_cases())
def test_giveback_program_keeps_what_kept_only_builds(name):
    words = measure.giveback_cases()[name] + ["--json", "--quiet-s", "0", "--scale", "0.01"]
    whole, kept = objects(run(*words)), objects(run(*words, "--kept-only"))
    marks = [line.get("mark") for line in whole]
    assert [mark for mark in marks if mark not in ("short", "done")] == ["fresh", "peak", "end", None]
    assert [line.get("mark") for line in kept] == ["fresh", "kept", None]
    assert whole[-1]["digest"] == kept[-1]["digest"]
    assert all(line["rss_kb"] >= line["private_dirty_kb"] > 0 for line in whole[:-1])


def test_stories_speak_to_people():
    finished = run(BENCH / "stories" / "stations.py", "--scale", "0.01", "--quiet-s", "0")
    assert finished.returncode == 0
    assert [line.split()[0] for line in finished.stdout.splitlines()] == ["fresh", "peak", "end"]


def test_a_container_beside_a_dict():
    finished = run(BENCH / "stories" / "containers.py", "--entries", "2000")
    assert finished.returncode == 0, finished.stderr
    assert [line.split()[0] for line in finished.stdout.splitlines()] == ["full,", "dict", "neap.Map"]


def test_growth_of_a_list():
    line, = objects(run(PROGRAMS / "other" / "list_growth.py", "--elements", "50000"))
    assert line["busy_s"] > 0 and line["faults"] > 0 and line["peak_kb"] > 1000


@pytest.mark.parametrize("words, more", measure.C_MEMORY.values())
def test_memory_of_c_code(words, more):
    line, = objects(run(PROGRAMS / "other" / "freed_by_c.py", words[0], "--blocks", "2000", "--seconds", "0.1"))
    assert line["taken_kb"] > 2000 and line["taken_kb"] >= line["left_kb"]
    assert set(line) == {"taken_kb", "left_kb", *more} and all(line[key] > 0 for key in more)


@pytest.mark.xdist_group("huge pages")
def test_modes_of_huge_pages_are_put_back():
    before = huge_pages.current()
    if before is None or not huge_pages.settable("always"):
        pytest.skip("this user may not set the mode of huge pages, or the kernel has none")
    with huge_pages.mode("always"):
        assert huge_pages.current() == "always"
    assert huge_pages.current() == before


@pytest.mark.xdist_group("huge pages")
def test_a_bench_that_is_ended_leaves_nothing(tmp_path):
    """Its child ends with it, and the mode of huge pages is what it was."""
    before = huge_pages.current()
    modes = [mode for mode in huge_pages.MODES if mode != before and huge_pages.settable(mode)]
    words = [sys.executable, str(BENCH / "run.py"), "--quick", "--only", "growth", "--python", sys.executable]
    bench = subprocess.Popen(words + (["--huge", modes[0]] if modes else []), stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, env=clean_environment(), start_new_session=True)
    children = Path("/proc/%d/task/%d/children" % (bench.pid, bench.pid))
    deadline = time.monotonic() + 60
    while "list_growth" not in (found := [Path("/proc/%s/cmdline" % pid).read_text()
                                          for pid in children.read_text().split()] or [""])[0]:
        assert time.monotonic() < deadline and bench.poll() is None, found
        time.sleep(0.05)
    child = children.read_text().split()[0]
    bench.terminate()
    assert bench.wait(30) == 143
    assert not Path("/proc/" + child).exists()
    assert huge_pages.current() == before


@pytest.mark.parametrize("kind", measure.BURSTS)
def test_cyclic_bursts(kind):
    line, = objects(run(PROGRAMS / "other" / "cyclic_bursts.py", "--kind", kind, "--pause-ms", "1",
                        "--cycles", "2", "--scale", "0.01"))
    assert line["cycles"] == 2 and line["busy_s"] > 0


def test_forked_children():
    line, = objects(run(PROGRAMS / "other" / "forked_children.py", "--scale", "0.01",
                        "--children", "2"))
    assert line["children"] == 2 and line["private_dirty_kb"] > 0


@needs_neap
def test_cost_of_meshing():
    line, = objects(subprocess.run([NEAP, "run", "--", sys.executable, PROGRAMS / "other" / "mesh_cost.py", NEAP, "--keep", "10%",
                                    "--strings", "2000", "--seconds", "0.1"],
                                   capture_output=True, text=True, env=clean_environment(), timeout=120))
    assert 100 < line["kept"] < 300 and line["mappings"] > 10 and line["fork_ms"] > 0
    assert line["stops_ms"] >= line["longest_ms"] >= 0 and (line["stops"] > 0) == (line["stops_ms"] > 0)


def phases(fresh, peak, end, held=None):
    run_of_it = {"fresh_pss_kb": fresh, "peak_pss_kb": peak, "end_pss_kb": end}
    if held is not None:
        for phase, live in (("fresh", 0), ("end", held * 1024)):
            run_of_it.update({"%s_live_bytes" % phase: live, "%s_cached_bytes" % phase: 0,
                              "%s_free_bytes" % phase: 0})
    return [run_of_it]


def row(table, what):
    found, = [one for one in table if one.what == what]
    return found


@pytest.mark.parametrize("end_kb, verdict", [(14096, "met"), (14097, "missed")])
def test_story_is_met_up_to_its_limit(end_kb, verdict):
    cases = {"strings 50": {"cpython": phases(10000, 100000, 47000),
                            "neap": phases(10000, 100000, end_kb)}}
    found = row(rows.table({"giveback": {"3.11.2": cases}}), "million strings, keep 50")
    assert found.verdict() == verdict
    assert found.figures["cpython"] == pytest.approx(37000 / 1024)


def test_given_back_is_against_a_process_that_builds_only_what_is_kept():
    cases = {"one": {"neap": phases(10, 110, 30)}}
    kept = {"one": {"neap": [{"kept_pss_kb": 10}]}}
    found = row(rows.table({"giveback": {"3.11.2": cases}, "kept": {"3.11.2": kept}}),
                "given back, median")
    assert found.figures == {"neap": pytest.approx(0.8)}
    assert found.verdict() == "missed"


@pytest.mark.parametrize("beyond_kb, verdict", [(4096, "met"), (4200, "missed")])
def test_pages_that_hold_a_live_block_are_free_of_charge(beyond_kb, verdict):
    held = 50000
    end = 10000 + int(1.02 * held) + beyond_kb
    cases = {"one": {"neap": phases(10000, 200000, end, held)}}
    found = row(rows.table({"giveback": {"3.11.2": cases}}), "any: Pss beyond 1.02 x pages")
    assert found.verdict() == verdict


def speed_results(neap_s):
    def times(wall_s):
        return [{"wall_s": wall_s, "cpu_s": wall_s, "peak_kb": 1000}]
    return {"speed": {"3.13.0": {
        "one": {"cpython": times(1.0), "neap": times(neap_s), "mimalloc": times(0.98)},
        "two": {"cpython": times(2.0), "neap": times(1.8), "mimalloc": times(2.0)}}}}


@pytest.mark.parametrize("neap_s, mean, worst", [(0.9, "met", "met"), (1.1, "missed", "missed")])
def test_speed_is_a_geometric_mean_and_a_worst(neap_s, mean, worst):
    table = rows.table(speed_results(neap_s))
    found = row(table, "speed, geometric mean")
    assert found.figures["neap"] == pytest.approx((neap_s * 0.9) ** 0.5)
    assert found.verdict() == mean
    assert row(table, "speed, worst single").verdict() == worst
    assert "!" in figures.details(speed_results(1.1), ["cpython", "neap", "mimalloc"])


@pytest.mark.parametrize("left_kb, wait_s, memory, wait",
                         [(10240, 0.02, "met", "met"), (10241, 0.021, "missed", "missed"), (None, None, "unmeasured", "unmeasured")])
def test_memory_of_c_code_is_told_for_who_was_measured(left_kb, wait_s, memory, wait):
    def figures_of(**figures):
        return {"cpython": [{"taken_kb": 118784, "left_kb": 118784, **dict.fromkeys(figures, 0.001)}],
                **({"neap": [{"taken_kb": 118784, "left_kb": left_kb, **figures}]} if left_kb else {})}
    cases = {"rest": figures_of(), "malloc": figures_of(wait_s=wait_s)}
    table = rows.table({"c_memory": {"3.11.2": cases}})
    found = row(table, "freed by C code, rest")
    assert found.verdict() == memory and found.figures["cpython"] == 116 and "116 before" in found.note
    assert row(table, "longest malloc meanwhile").verdict() == wait


def test_without_neap_a_row_is_unmeasured_and_not_met():
    results = speed_results(0.9)
    for case in results["speed"]["3.13.0"].values():
        del case["neap"]
    assert {one.verdict() for one in rows.table(results) if one.limit} == {"unmeasured"}


def test_an_absent_peer_is_named_and_the_rest_is_measured(tmp_path):
    report, page = tmp_path / "report.json", tmp_path / "figures.md"
    finished = run(BENCH / "run.py", "--only", "start", "-n", "1", "--python", sys.executable,
                   "--with", "glibc", "--build", tmp_path, "--json", report, "--write", page)
    assert finished.returncode == 0, finished.stderr
    assert "left out: neap" in finished.stderr
    results = json.loads(report.read_text())["results"]
    (python, cases), = results["start"].items()
    assert set(cases["pass"]) == {"cpython", "glibc"} and len(cases["pass"]["glibc"]) == 12
    again = run(BENCH / "run.py", "--read", report)
    assert again.returncode == 0 and "start of python3 -c pass" in again.stdout
    assert "## Left out" in page.read_text()


@pytest.mark.parametrize("words", [["--only", "sped"], ["--with", "malloc9"]])
def test_wrong_usage_is_2_and_one_line(words):
    finished = run(BENCH / "run.py", "--python", sys.executable, *words)
    assert finished.returncode == 2
    assert len(finished.stderr.splitlines()) == 1 and words[1] in finished.stderr


def test_ratios_are_within_rounds():
    """A round in which the machine was slow is slow for all."""
    cases = {"one": {"cpython": [{"wall_s": 1.0}, {"wall_s": 9.0}, {"wall_s": 2.0}],
                     "neap": [{"wall_s": 0.5}, {"wall_s": 8.1}, {"wall_s": 1.4}]}}
    assert rows.ratios(cases, "wall_s")["neap"]["one"] == pytest.approx(0.7)
    cases["one"]["neap"].pop()  # one failed: nobody knows which round it was
    assert rows.ratios(cases, "wall_s")["neap"]["one"] == pytest.approx(4.3 / 2)
