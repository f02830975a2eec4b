"""neap.connect: the mapping interface over a real SQLite, a real Redis, a real Redis Cluster."""
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "build" / "python"), str(Path(__file__).resolve().parent)]
neap = pytest.importorskip("neap")
from neap import StoreError, connect  # noqa: E402

import redis_process  # noqa: E402

try:
    import redis
except ImportError:
    redis = None

BUILD = Path(__file__).resolve().parents[2] / "build" / "python"
STORES = ["sqlite", "memory", "redis", "cluster"]
counter = iter(range(10 ** 6))
MANY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
# Servers are shared by the tests of one process.
pytestmark = pytest.mark.xdist_group("stores")


def need_redis():
    if redis is None or redis_process.SERVER is None:
        pytest.skip("redis-tools or python3-redis is not installed")


@pytest.fixture(params=STORES)
def url(request, tmp_path):
    """Of a store that holds nothing yet."""
    name = f"test{next(counter)}"
    if request.param == "memory":
        return "sqlite::memory:"
    if request.param == "sqlite":
        return f"sqlite:{tmp_path}/{name}.db"
    return f"{request.getfixturevalue('redis_server' if request.param == 'redis' else 'redis_cluster').url}?name={name}"


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


# --- as a mapping --------------------------------------------------------------------

texts = st.text(max_size=6)
numbers = st.integers(-(1 << 31), (1 << 31) - 1)
steps = st.one_of(
    st.tuples(st.just("set"), texts, numbers), st.tuples(st.just("get"), texts), st.tuples(st.just("delete"), texts),
    st.tuples(st.just("pop"), texts, st.lists(numbers, max_size=1)), st.tuples(st.just("in"), texts),
    st.tuples(st.just("setdefault"), texts, numbers), st.tuples(st.just("update"), st.dictionaries(texts, numbers)),
    st.tuples(st.just("many"), st.lists(texts)), st.tuples(st.just("delete_many"), st.lists(texts)),
    st.tuples(st.just("add"), texts, numbers), st.tuples(st.just("all")))


def step_on_store(store, name, *arguments):
    return {
        "set": lambda key, value: store.__setitem__(key, value), "get": lambda key: store[key],
        "delete": lambda key: store.__delitem__(key), "pop": lambda key, default: store.pop(key, *default),
        "in": lambda key: key in store, "setdefault": store.setdefault, "update": store.update,
        "many": store.get_many, "delete_many": store.delete_many, "add": store.add,
        "all": lambda: (len(store), dict(store.items()), sorted(store), sorted(store.values()), bool(store)),
    }[name](*arguments)


def step_on_dict(model, name, *arguments):
    def add(key, amount):
        total = model.get(key, 0) + amount
        if not -(1 << 31) <= total < 1 << 31:
            raise OverflowError("the sum is out of range of kind 'i32'")
        model[key] = total
        return total

    if name == "many":
        return [model.get(key) for key in arguments[0]]
    if name == "delete_many":
        return sum(model.pop(key, None) is not None for key in set(arguments[0]))
    if name == "add":
        return add(*arguments)
    return step_on_store(model, name, *arguments) if name not in ("many", "delete_many") else None


class Dict(dict):
    get_many = delete_many = add = None


@MANY
@given(calls=st.lists(steps, max_size=25))
def test_as_a_dict(url, calls):
    with connect(url, "str", "i32", expect=200) as store:
        store.clear()
        model = Dict()
        for call in calls:
            assert outcome(lambda: step_on_store(store, *call)) == outcome(lambda: step_on_dict(model, *call))
        assert store == model and dict(store) == model
        while model:
            key, value = store.popitem()
            assert model.pop(key) == value
        assert outcome(store.popitem)[0] is KeyError and len(store) == 0 and not store


LIMITS = {"i8": (-128, 127), "i64": (-(1 << 63), (1 << 63) - 1), "u8": (0, 255), "u32": (0, (1 << 32) - 1),
          "u64": (0, (1 << 64) - 1)}
VALUES = {"str": ["", "é\U0001f600", "a\0b", "1"], "bytes": [b"", b"\0\xff", b"1"], "f64": [0.1, -1e300, float("inf"), 3.0],
          "f32": [0.5, -2.25], **{kind: [low, 0, high] for kind, (low, high) in LIMITS.items()}}


@pytest.mark.parametrize("kind", VALUES)
def test_kinds_as_keys_and_values(url, kind):
    with connect(url, kind, kind) as store:
        for value in VALUES[kind]:
            store[value] = value
        assert set(store.items()) == {(value, value) for value in VALUES[kind]}
        assert store.get_many(VALUES[kind]) == VALUES[kind] and all(value in store for value in VALUES[kind])
        assert all(type(value) is type(VALUES[kind][0]) for value in store)
        assert store.kinds == (kind, kind)


def test_a_set(url):
    with connect(url, "u64", None) as store:
        store.update((number, None) for number in (1, 5, (1 << 64) - 1))
        assert 5 in store and 6 not in store and -1 not in store and store[5] is None and len(store) == 3
        assert outcome(lambda: store.__setitem__(1, 1)) == (TypeError, "kind 'none' takes None, not 'int'")


@pytest.mark.parametrize("kind, value", [
    ("str", b"x"), ("str", 1), ("str", "\ud800"), ("bytes", "x"), ("i8", 128), ("u8", -1), ("u64", 1 << 64), ("i64", 1.0),
    ("i64", "1"), ("f64", "1"), ("f32", 1e300), ("f64", None), ("u8", None)])
def test_errors_are_those_of_a_map(url, kind, value):
    ours = neap.Map("str", kind)
    with connect(url, "str", kind) as store:
        expected = outcome(lambda: ours.__setitem__("key", value))
        assert expected is not None and outcome(lambda: store.__setitem__("key", value)) == expected
        assert outcome(lambda: store.setdefault("key", value)) == expected
        assert outcome(lambda: store.update([("other", VALUES[kind][0]), ("key", value)])) == expected
        assert len(store) == 0  # of a piece that does not fit, nothing is kept
    ours = neap.Map(kind, "u8")
    with connect(f"{url}keys" if ":memory:" not in url else url, kind, "u8") as store:
        for call in (lambda m: m[value], lambda m: m.get(value), lambda m: value in m, lambda m: m.__setitem__(value, 1),
                     lambda m: m.pop(value), lambda m: m.__delitem__(value)):
            assert outcome(lambda: call(store)) == outcome(lambda: call(ours))


def test_adding(url):
    with connect(url, "str", "u8") as store:
        assert store.add("a", 250) == 250 and store.add("a") == 251
        assert outcome(lambda: store.add("a", 5)) == (OverflowError, "the sum is out of range of kind 'u8'")
        assert store["a"] == 251
        assert outcome(lambda: store.add("a", -252))[0] is OverflowError and store.add("a", -251) == 0
        assert outcome(lambda: store.add("a", 0.5))[0] is TypeError and outcome(lambda: store.add("a", "1"))[0] is TypeError
    with connect(url + "f" if ":memory:" not in url else url, "str", "f64") as store:
        assert store.add("a", 0.5) == 0.5 and store.add("a", 0.25) == 0.75
    with connect(url + "s" if ":memory:" not in url else url, "str", "str") as store:
        assert outcome(lambda: store.add("a", 1))[0] is TypeError


def test_more_than_a_batch(url):
    with connect(url, "str", "u32", expect=2000) as store:
        store.update({f"key {number}": number for number in range(25_000)})
        assert len(store) == 25_000 and sum(store.values()) == sum(range(25_000))
        assert store.get_many(f"key {number}" for number in range(24_990, 25_010)) == [*range(24_990, 25_000), *[None] * 10]
        assert store.nbytes > 25_000 * 8
        assert store.delete_many(f"key {number}" for number in range(2_500, 30_000)) == 22_500
        assert len(store) == 2_500 and store.trim() >= 0
        store |= {"key 0": 7}
        assert store["key 0"] == 7


def test_iteration_over_what_changes(url):
    with connect(url, "u32", "u32") as store:
        store.update((number, number) for number in range(3000))
        for key in store:
            if key < 1500:
                del store[key]
            elif key < 3000:
                store[key + 10_000] = 1
        assert set(store) == {*range(1500, 3000), *range(11_500, 13_000)}


# --- stores that are there already, or not ----------------------------------------------------


def test_opened_again(url):
    if ":memory:" in url:
        pytest.skip("a store in memory ends with its connection")
    with connect(url, "str", "u32", expect=10) as store:
        store["a"] = 1
        assert repr(store) == f"<neap store {url}: 'str' to 'u32'>"
        twin = pickle.loads(pickle.dumps(store))
        assert twin["a"] == 1 and twin.kinds == ("str", "u32")
        twin.close()
        for kinds in (("str", "str"), ("bytes", "u32"), ("str", None)):
            error, text = outcome(lambda: connect(url, *kinds))
            assert error is ValueError and "it holds 'str' to 'u32'" in text
    assert outcome(lambda: store["a"]) == (ValueError, "the store is closed") == outcome(lambda: len(store))
    with connect(url, "str", "u32", expect=1_000_000) as store:  # what was agreed stays
        assert dict(store) == {"a": 1}


@pytest.mark.parametrize("arguments, text", [
    (("http://x",), "no store is called 'http'"), (("nothing",), "no store is called"),
    (("sqlite:",), "sqlite: and no path"), (("sqlite:x", "i128"), "no kind of key 'i128'"),
    (("sqlite:x", None), "no kind of key None"), (("sqlite:x", "str", "x"), "no kind of value 'x'"),
    (("redis://127.0.0.1:1?nmae=x",), "no option 'nmae'"), (("redis://127.0.0.1:1", "str", "str", 0), "expect must be"),
    (("unix://",), "the whole path of a socket"), (("rediss://h?ca=/no/such/file",), "no certificates in '/no/such/file'"),
])
def test_wrong_usage(arguments, text):
    if "redis" in arguments[0]:
        need_redis()
    error, said = outcome(lambda: connect(*arguments))
    assert error is ValueError and text in said


def test_no_server_there():
    need_redis()
    port = redis_process.free_port()
    started = time.monotonic()
    error, text = outcome(lambda: connect(f"redis://me:secret@127.0.0.1:{port}/0"))
    assert issubclass(error, OSError) and error is StoreError and time.monotonic() - started < 5
    assert text.startswith(f"redis://127.0.0.1:{port}: no answer: is it running?") and "secret" not in text and "\n" not in text


def test_wrong_password_and_full_server(tmp_path):
    need_redis()
    server = redis_process.Server(tmp_path, "--requirepass", "secret", "--maxmemory", "3mb")
    try:
        error, text = outcome(lambda: connect(server.url))
        assert error is StoreError and "it wants a password" in text
        error, text = outcome(lambda: connect(server.url.replace("//", "//:guess@")))
        assert error is StoreError and text.endswith(": user name or password are wrong")
        with connect(server.url.replace("//", "//:secret@")) as store:
            assert "secret" not in repr(store)
            store["a"] = "1"
            error, text = outcome(lambda: store.update((str(number), "x" * 50) for number in range(100_000)))
            assert error is StoreError and "it refused" in text and "maxmemory" in text
            assert store["a"] == "1"
    finally:
        server.kill()


def test_files_that_are_none(tmp_path):
    (tmp_path / "text").write_text("x" * 5000)
    for path, part in (("text", "not a database"), ("no/such/folder", "unable to open")):
        error, text = outcome(lambda: connect(f"sqlite:{tmp_path}/{path}"))
        assert error is StoreError and part in text and text.startswith("sqlite:")


# --- killed in the middle ----------------------------------------------------------------------


def test_server_killed_in_the_middle(tmp_path):
    """The call that was under way fails, soon and clearly; what follows works once it is back."""
    need_redis()
    server = redis_process.Server(tmp_path, "--appendonly", "yes", "--appendfsync", "always")
    try:
        with connect(server.url, "u32", "u32", expect=100_000, timeout=5) as store:
            done, problems = [0], []

            def work():
                try:
                    while True:
                        first = done[0]
                        store.update((number, number * 3) for number in range(first, first + 500))
                        done[0] = first + 500
                except Exception as error:
                    problems.append(error)

            thread = threading.Thread(target=work)
            thread.start()
            while done[0] < 2000 and not problems:
                time.sleep(0.01)
            server.kill()
            thread.join(20)
            assert not thread.is_alive() and isinstance(problems[0], StoreError) and "no answer" in str(problems[0])
            assert isinstance(outcome(lambda: store[0]), tuple)
            server.start()
            assert store[0] == 0  # the same store object goes on
            assert store.get_many(range(done[0])) == [number * 3 for number in range(done[0])]
            assert all(value == key * 3 for key, value in store.items())
    finally:
        server.kill()


def test_server_that_hangs(tmp_path):
    need_redis()
    server = redis_process.Server(tmp_path)
    try:
        with connect(server.url, timeout=0.5) as store:
            store["a"] = "1"
            server.pause()
            started = time.monotonic()
            error, text = outcome(lambda: store["a"])
            assert error is StoreError and "no answer" in text and time.monotonic() - started < 10
            server.go_on()
            assert store["a"] == "1"
    finally:
        server.go_on()
        server.kill()


WRITER = """
import sys
import neap
with neap.connect(sys.argv[1], "u32", "u32") as store:
    first = 0
    while True:
        store.update((number, number * 3) for number in range(first, first + 1000))
        first += 1000
        print(first, flush=True)
"""


def test_writer_killed_in_the_middle(tmp_path):
    """An SQLite file has all that was said to be done, and pieces whole."""
    for turn in range(3):
        url = f"sqlite:{tmp_path}/{turn}.db"
        writer = subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True,
                                  env={**os.environ, "PYTHONPATH": str(BUILD)})
        for _ in range(5 + 7 * turn):
            done = int(writer.stdout.readline())
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        done = int(rest[-1]) if rest else done
        with connect(url, "u32", "u32") as store:
            count = len(store)
            assert count in (done, done + 1000)
            assert list(store.items()) == [(number, number * 3) for number in range(count)]


# --- several at once -------------------------------------------------------------------------------


def count_up(url, times):
    with connect(url, "str", "u32", timeout=60) as store:
        for _ in range(times):
            store.add("all")


def test_several_processes_at_once(url):
    if ":memory:" in url:
        pytest.skip("a store in memory is of one process")
    context = multiprocessing.get_context("spawn")
    with connect(url, "str", "u32") as store:
        workers = [context.Process(target=count_up, args=(url, 200)) for _ in range(4)]
        for one in workers:
            one.start()
        for one in workers:
            one.join()
        assert [one.exitcode for one in workers] == [0] * 4 and store["all"] == 800


def test_several_threads_at_once(url):
    with connect(url, "str", "u32", timeout=60) as store:
        problems = []

        def work(name):
            try:
                for number in range(100):
                    store.add("all")
                    store[f"{name} {number}"] = number
                    assert store.pop(f"{name} {number}") == number
            except Exception as error:
                problems.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert not problems and dict(store) == {"all": 400}


def test_forked_child(url):
    with connect(url, "str", "u32") as store:
        store["a"] = 1
        child = os.fork()
        if child == 0:
            try:
                store["b"] = 2
                os._exit(0 if store.get_many(["a", "b"]) == [1, 2] else 3)
            except StoreError:
                os._exit(4)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if ":memory:" in url:
            assert code == 4 and dict(store) == {"a": 1}
        else:
            assert code == 0 and dict(store) == {"a": 1, "b": 2}


# --- how Redis keeps it ------------------------------------------------------------------------------


def test_hashes_of_about_a_hundred(redis_server):
    with connect(f"{redis_server.url}?name=packed", "str", "u32", expect=20_000) as store:
        store.update((f"key {number}", number) for number in range(20_000))
        client = redis.Redis("127.0.0.1", redis_server.port)
        kinds = [client.object("encoding", bucket) for bucket in client.scan_iter("neap2:{packed/0}:*")]
        assert 200 <= len(kinds) <= 240 and kinds.count(b"listpack") > 0.95 * len(kinds)
        assert client.get("neap2:{packed/0}").startswith(b"neap 2 str u32 shards 1 buckets 223 generation ")
        store.clear()
        assert client.dbsize() >= 1 and len(store) == 0


def test_a_cluster_has_its_buckets_on_all_nodes(redis_cluster):
    with connect(f"{redis_cluster.url}?name=wide", "str", "u32", expect=5000) as store:
        store.update((str(number), number) for number in range(5000))
        sizes = [redis.Redis("127.0.0.1", node.port).dbsize() for node in redis_cluster.nodes]
        assert len(sizes) == 3 and min(sizes) > 5 and len(store) == 5000
