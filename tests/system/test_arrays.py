"""numpy and pandas: they work, and what an array holds is not Python objects."""
import pytest

from support import MIB, Talk, assert_ok, debian_python, heap_stats, needs_neap, program, run
import witness

WORK = """
import numpy, pandas, witness
witness.must_serve()
chance = numpy.random.default_rng(7)
matrix = chance.random((300, 300))
assert abs(numpy.linalg.inv(matrix) @ matrix - numpy.eye(300)).max() < 1e-6
frame = pandas.DataFrame({"station": [str(n % 97) for n in range(60000)], "level": chance.random(60000)})
means = frame.groupby("station")["level"].mean()
assert len(means) == 97 and abs(means.mean() - 0.5) < 0.02
again = pandas.read_csv(__import__("io").StringIO(frame.to_csv(index=False)), dtype={"station": str})
assert (again.station == frame.station).all() and abs(again.level - frame.level).max() < 1e-9
words = numpy.array([str(n) for n in range(30000)], dtype=object)
assert sorted(words)[0] == "0" and (words == words.copy()).all()
print("ok")
"""


@pytest.fixture(scope="module")
def python():
    found = debian_python()
    if found is None or run(found, "-c", "import numpy, pandas").returncode != 0:
        pytest.skip("no numpy and pandas for /usr/bin/python3")
    return found


@pytest.mark.parametrize("settings", [{}, {"NEAP_CHECK": "1"}], ids=["plain", "check"])
def test_numpy_and_pandas(python, settings):
    assert_ok(run(python, "-c", WORK, cwd=program(""), **settings))


@needs_neap
def test_arrays_are_not_objects(python):
    """100 MiB in an array are libc's, not the heap's; 100 MiB of bytes are."""
    with Talk(python.path, program("hold.py")) as talk:

        def live_bytes(line):
            talk.say(line)
            assert talk.hear() == "done"
            return heap_stats(talk.pid)["live_bytes"]

        live_bytes("array 1")  # numpy's own objects
        before = live_bytes("drop")
        assert live_bytes("array 100") - before < MIB
        assert witness.memory_bytes("Rss", talk.pid) > 100 * MIB
        assert abs(live_bytes("string 100") - before - 100 * MIB) < MIB
        assert live_bytes("drop") - before < MIB
