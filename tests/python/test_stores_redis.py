"""Redis stores whose server cannot be trusted: it loses data, lies, or is another one than it says."""
import logging
import os
import ssl
import threading
import time
import traceback

import pytest

neap = pytest.importorskip("neap")
redis = pytest.importorskip("redis")
from neap import StoreError, connect  # noqa: E402

import redis_process  # noqa: E402
from hostile_redis import Hostile, array, bulk, drips, floods, head  # noqa: E402

pytestmark = pytest.mark.xdist_group("stores")
names = (f"redis{number}" for number in range(10 ** 6))


def outcome(call):
    try:
        return call()
    except Exception as error:
        return type(error), str(error)


# --- layouts ---------------------------------------------------------------------------------------


@pytest.fixture(params=["redis", "cluster"])
def servers(request):
    """The servers, and the URL of a mapping that does not exist yet."""
    one = request.getfixturevalue("redis_server" if request.param == "redis" else "redis_cluster")
    return getattr(one, "nodes", [one]), f"{one.url}?name={next(names)}"


def each(servers):
    return [redis.Redis("127.0.0.1", server.port) for server in servers]


def lose_all(servers):
    for client in each(servers):
        client.flushall()


def lose_heads(servers):
    """What a server that evicts keys may do: heads have no generation in their name."""
    for client in each(servers):
        for key in list(client.scan_iter("neap2:*")):
            if key.count(b":") == 1:
                client.delete(key)


def agree(*stores):
    for store in stores[1:]:
        assert dict(store) == dict(stores[0]) and len(store) == len(stores[0])
        assert store.get_many(stores[0]) == list(stores[0].values()) and all(key in store for key in stores[0])


@pytest.mark.parametrize("lose", [lose_all, lose_heads])
@pytest.mark.parametrize("first", ["old", "new"])
def test_two_clients_after_a_loss(servers, lose, first):
    """The layouts of both would differ: the first is for a million entries, the second for a few."""
    nodes, url = servers
    old = connect(url, "str", "u32", expect=100_000)
    old.update({f"before {number}": number for number in range(500)})
    lose(nodes)
    if first == "old":
        old["old"] = 1
        assert len(old) in (1, 501)  # it looks at all shards
    new = connect(url, "str", "u32", expect=500)
    new["new"] = 2
    old.update({f"key {number}": number for number in range(1000)})
    assert old["key 7"] == 7 and new["key 7"] == 7 and old["new"] == 2
    new["key 7"] = 77
    assert old["key 7"] == 77 and old.add("key 7") == 78 and new.pop("key 7") == 78 and "key 7" not in old
    assert new.setdefault("key 8", 1) == 8 and new.delete_many(["key 9", "nothing"]) == 1
    agree(old, new)
    if lose is lose_heads and first == "old":  # nothing of it was lost: the old client gave the heads back
        assert sum(key.startswith("before") for key in new) == 500
    old.clear()
    assert len(new) == 0 and dict(new) == {}


def test_a_reader_that_only_reads_follows(servers):
    nodes, url = servers
    reader = connect(url, "str", "u32", expect=100_000)
    assert "key" not in reader
    lose_all(nodes)
    writer = connect(url, "str", "u32", expect=10)
    writer.update({"key": 1, "other": 2})
    assert reader["key"] == 1 and len(reader) == 2 and sorted(reader) == ["key", "other"] and reader.popitem()
    assert len(writer) == 1


def test_a_restart_without_persistence(tmp_path):
    server = redis_process.Server(tmp_path)
    try:
        old = connect(f"{server.url}?name=words", "str", "u32", expect=1_000_000)
        old["before"] = 1
        server.kill()
        server.start()
        old.update((f"w{number}", number) for number in range(1000))
        new = connect(f"{server.url}?name=words", "str", "u32")
        agree(old, new)
        new["w1"] = 77
        assert old["w1"] == 77 and len(old) == 1000
    finally:
        server.kill()


def test_another_kind_after_a_loss(servers):
    nodes, url = servers
    numbers = connect(url, "str", "u32")
    numbers["a"] = 1
    lose_all(nodes)
    texts = connect(url, "str", "str")
    texts.update((f"key {number}", "text") for number in range(3000))
    for call in (lambda: numbers["key 1"], lambda: numbers.__setitem__("a", 1), lambda: len(numbers), lambda: list(numbers),
                 lambda: numbers.update((f"key {number}", 1) for number in range(3000))):
        error, text = outcome(call)
        assert error is StoreError and "it holds 'str' to 'str', made after this store was opened" in text
    assert set(texts.values()) == {"text"} and len(texts) == 3000


def test_an_iteration_that_meets_another_layout(servers):
    nodes, url = servers
    old = connect(url, "str", "u32", expect=100_000)
    old.update((str(number), number) for number in range(2000))
    walk = iter(old)
    next(walk)
    lose_all(nodes)
    connect(url, "str", "u32", expect=10)["a"] = 1
    error, text = outcome(lambda: list(walk))
    assert error is StoreError and "made anew" in text and dict(old) == {"a": 1}


def test_writers_while_heads_are_lost(servers):
    """Whatever was written after the last loss is found by all."""
    nodes, url = servers
    problems, stop = [], threading.Event()

    def write(name, expect):
        try:
            with connect(url, "str", "u32", expect=expect, timeout=30) as store:
                while not stop.is_set():
                    store.update((f"{name} {number}", number) for number in range(50))
                    assert len(store.get_many([f"{name} {number}" for number in range(50)])) == 50
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=write, args=(f"t{expect}", expect)) for expect in (10, 5000, 200_000)]
    for one in threads:
        one.start()
    for _ in range(10):
        time.sleep(0.1)
        lose_all(nodes)
    time.sleep(0.5)
    stop.set()
    for one in threads:
        one.join(60)
    assert not problems
    last = {f"t{expect} {number}": number for expect in (10, 5000, 200_000) for number in range(50)}
    with connect(url, "str", "u32", timeout=30) as store:
        assert dict(store) == last


@pytest.mark.parametrize("one, other", [("n", "n:5"), ("n", "n/0"), ("a}", "a"), ("{a}", "a"), ("a/1", "a"), ("n", "N")])
def test_names_do_not_meet(servers, one, other):
    from urllib.parse import quote

    base = servers[1]
    first, second = (connect(base + quote(name, safe=""), "str", "str", expect=1000) for name in (one, other))
    first.update((f"k{number}", "v") for number in range(300))
    second["mine"] = "w"
    assert len(first) == 300 and dict(second) == {"mine": "w"}
    first.clear()
    assert dict(second) == {"mine": "w"} and second["mine"] == "w"


def test_what_an_older_neap_kept_is_refused_in_words(redis_server):
    client = redis.Redis("127.0.0.1", redis_server.port)
    client.hset("neap:aged", mapping={"format": "1", "key": "str", "value": "u32", "buckets": "2"})
    client.hset("neap:aged:1", mapping={"a": "1"})
    error, text = outcome(lambda: connect(f"{redis_server.url}?name=aged", "str", "u32"))
    assert error is ValueError and "an older Neap kept it: docs/stores.md" in text
    assert client.hget("neap:aged:1", "a") == b"1" and not client.exists("neap2:{aged/0}")


def test_the_copy_that_the_document_shows(redis_server):
    """What docs/stores.md says about a mapping of the format before, done with one."""
    import re
    import zlib
    from pathlib import Path

    client = redis.Redis("127.0.0.1", redis_server.port)
    client.hset("neap:words", mapping={"format": "1", "key": "str", "value": "u32", "buckets": "3"})
    for number in range(100):
        client.hset(f"neap:words:{zlib.crc32(b'key %d' % number) % 3}", f"key {number}", number)
    text = (Path(__file__).resolve().parents[2] / "docs" / "stores.md").read_text()
    program = re.search(r"    import neap, redis\n\n(?:    .*\n)+", text)[0].replace("\n    ", "\n").strip()
    program = program.replace('redis.Redis("10.0.0.7")', f'redis.Redis(port={redis_server.port})')
    exec(program.replace("redis://10.0.0.7/0", redis_server.url), {})
    with connect(f"{redis_server.url}?name=words2", "str", "u32") as store:
        assert dict(store) == {f"key {number}": number for number in range(100)}
    client.delete("neap:words")
    with connect(f"{redis_server.url}?name=words", "str", "u32") as store:
        assert len(store) == 0


def test_a_cluster_whose_slots_move(redis_cluster, caplog):
    """MOVED, ASK and TRYAGAIN are followed, and the log says nothing of it."""
    url = f"{redis_cluster.url}?name={next(names)}"
    caplog.set_level(logging.DEBUG)
    with connect(url, "str", "str", expect=20_000, timeout=20) as store:
        store.update((f"secret key {number}", f"secret value {number}") for number in range(3000))
        ids = {server.port: redis.Redis("127.0.0.1", server.port).execute_command("CLUSTER MYID").decode()
               for server in redis_cluster.nodes}
        source, target = redis_cluster.nodes[0], redis_cluster.nodes[1]
        here, there = (redis.Redis("127.0.0.1", server.port) for server in (source, target))
        slots = sorted({store._slot(shard) for shard in range(256) if store._slot(shard) < 5461})[:20]
        for number, slot in enumerate(slots):
            there.execute_command("CLUSTER SETSLOT", slot, "IMPORTING", ids[source.port])
            here.execute_command("CLUSTER SETSLOT", slot, "MIGRATING", ids[target.port])
            keys = here.execute_command("CLUSTER GETKEYSINSLOT", slot, 10_000)
            half = keys if number % 2 else []  # some slots stay halfway
            if half:
                here.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *half)
                assert len(store) == 3000 and store["secret key 5"] == "secret value 5"
                for node in (there, here):
                    node.execute_command("CLUSTER SETSLOT", slot, "NODE", ids[target.port])
        assert dict(store) == {f"secret key {number}": f"secret value {number}" for number in range(3000)}
        store.update((f"secret key {number}", "secret again") for number in range(3000))
        assert set(store.values()) == {"secret again"}
        for slot in slots[::2]:
            for node in (here, there):
                node.execute_command("CLUSTER SETSLOT", slot, "STABLE")
    assert "secret" not in caplog.text and not [record for record in caplog.records if record.name.startswith("redis")]


# --- lies ----------------------------------------------------------------------------------------------

DEEP = b"*1\r\n" * 100_000
BAD = {
    "nothing": b"", "no protocol": b"hello\r\n", "a text": bulk(b"hello"), "a number": b":99999999999999999999\r\n",
    "no number": b":x\r\n", "a length": b"$x\r\n", "a negative length": b"$-7\r\n", "a long list": b"*99999999999\r\n",
    "a huge text": b"$99999999999999\r\nx", "deep": DEEP, "a null": b"$-1\r\n", "a null list": b"*-1\r\n",
    "a list": array(b":1\r\n", b":2\r\n"), "lists": array(array(), array(bulk(b"a"))), "no UTF-8": b"+\xff\xfe\r\n",
    "an error of no text": b"-\r\n", "an error": b"-ERR \x1b[2J\xff\xe2\x80\xae\x07 no\r\n", "moved": b"-MOVED x y\r\n",
    "moved on": b"-MOVED 1 evil.example:99999999\r\n", "ask": b"-ASK\r\n", "no script": b"-NOSCRIPT x\r\n",
    "a status": b"+QUEUED\r\n", "loading": b"-LOADING x\r\n", "bulk without an end": b"$5\r\nhelloXX",
    "an empty list": array(),
}


def assert_store_error(call, *kinds):
    started = time.monotonic()
    error, text = outcome(call)
    assert error in (StoreError, *kinds), (error, text)
    assert time.monotonic() - started < 5 and "\n" not in text and text.isprintable() and len(text) < 500


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("command", ["INFO", "TYPE", "AGREE", "CLUSTER", "AUTH"])
def test_lies_to_one_that_connects(command, bad):
    answers = {command: BAD[bad]}
    if command == "CLUSTER":
        answers["INFO"] = bulk(b"cluster_enabled:1\r\n")
    with Hostile(**answers) as server:
        url = f"redis://:hunter2@127.0.0.1:{server.port}"
        if command == "TYPE" and not isinstance(store := outcome(lambda: connect(url, "str", "u32", timeout=0.2)), tuple):
            store.close()  # whatever it is, it is no hash
            return
        assert_store_error(lambda: connect(url, "str", "u32", timeout=0.2), ValueError)


@pytest.mark.parametrize("text", [
    b"", b"x", head(buckets=b"0"), head(buckets=b"-5"), head(buckets=b"1000000000000000000"), head(buckets=b"x"),
    head(buckets=b"99999999"), head(shards=b"0"), head(shards=b"7"), head(key=b"\xff\xfe"), head(key=b"u8"), head(value=b"none"),
    head(generation=b"{}"), head() + b"\n", head() * 2, b"9" * 5000])
def test_layouts_that_are_none(text):
    with Hostile(AGREE=array(bulk(text))) as server:
        assert_store_error(lambda: connect(f"redis://127.0.0.1:{server.port}", "str", "u32", timeout=0.5), ValueError)


SLOTS = {"far": array(array(b":0\r\n", b":1000000000000\r\n", array(bulk(b"h"), b":1\r\n"))),
         "backwards": array(array(b":5\r\n", b":1\r\n", array(bulk(b"h"), b":1\r\n"))),
         "a port": array(array(b":0\r\n", b":16383\r\n", array(bulk(b"h"), b":99999\r\n"))),
         "a host": array(array(b":0\r\n", b":16383\r\n", array(bulk(b"a b\n"), b":1\r\n"))), "none": array(),
         "texts": array(array(bulk(b"0"), bulk(b"9"), array(bulk(b"h"), bulk(b"1"))))}


@pytest.mark.parametrize("bad", SLOTS)
def test_a_cluster_that_is_none(bad):
    with Hostile(INFO=bulk(b"cluster_enabled:1\r\n"), CLUSTER=SLOTS[bad]) as server:
        assert_store_error(lambda: connect(f"redis://127.0.0.1:{server.port}", "str", "u32", timeout=0.5))


def calls_on(store, other):
    return [lambda: store["a"], lambda: store.get("a"), lambda: "a" in store, lambda: store.get_many(["a", "b", "c"]),
            lambda: store.__setitem__("a", other), lambda: store.update({"a": other, "b": other, "c": other}), lambda: store.pop("a"),
            lambda: store.popitem(), lambda: store.setdefault("a", other), lambda: store.__delitem__("a"), lambda: len(store),
            lambda: store.delete_many(["a", "b"]), lambda: list(store), lambda: list(store.values()), lambda: store.clear()]


@pytest.mark.parametrize("bad", BAD)
def test_lies_to_one_that_asks(bad):
    with Hostile() as server, connect(f"redis://:hunter2@127.0.0.1:{server.port}", "str", "u32", timeout=30) as store:
        store._timeout = store._servers._timeout = 0.1
        server.answers["EVALSHA"] = BAD[bad]
        for number, call in enumerate(calls_on(store, 1)):
            assert_store_error(call)
        assert_store_error(lambda: store.add("a"))
        server.answers["INFO"] = server.answers["MEMORY"] = BAD[bad]
        if bad not in ("a null", "a null list"):  # there is no such bucket
            assert_store_error(lambda: store.nbytes)
        assert_store_error(store.trim)


WRONG = {"u32": [b"-1", b"4294967296", b"9" * 5000, b"1_0", b" 1", b"1 ", b"+1", b"01", b"\xff", b"", b"nan", b"1.0", "٣".encode()],
         "i64": [b"9223372036854775808", b"-0"], "f64": [b"1e999", b"1_0.0", b"x", b"", b"0x1p3", b"1", b"9" * 5000, b"infinity"],
         "f32": [b"0.1", b"1e300"], "str": [b"\xff", b"\xed\xa0\x80"], None: [b"x"]}


@pytest.mark.parametrize("kind", WRONG)
def test_values_that_are_of_another_kind(kind):
    name = (kind or "none").encode()
    with Hostile(AGREE=array(bulk(head(value=name)))) as server, \
            connect(f"redis://127.0.0.1:{server.port}", "str", kind, timeout=1) as store:
        for value in WRONG[kind]:
            server.answers["EVALSHA"] = array(array(bulk(value)))
            for call in (lambda: store["a"], lambda: store.get_many(["a"])):
                error, text = outcome(call)
                assert error is StoreError and f"not of kind '{kind or 'none'}'" in text and repr(value) not in text
            server.answers["EVALSHA"] = array(bulk(value))
            assert outcome(lambda: store.pop("a"))[0] is StoreError
            server.answers["EVALSHA"] = array(array(bulk(b"key"), bulk(value)))
            assert outcome(lambda: list(store.items()))[0] is StoreError
    with Hostile(AGREE=array(bulk(head(key=name)))) as server:
        if kind is None:
            return
        with connect(f"redis://127.0.0.1:{server.port}", kind, "u32", timeout=1) as store:
            for key in WRONG[kind]:
                server.answers["EVALSHA"] = array(array(bulk(key), bulk(b"1")))
                assert outcome(lambda: list(store))[0] is StoreError and outcome(store.popitem)[0] is StoreError


@pytest.mark.parametrize("answer", [drips(array(array(bulk(b"1" * 100)))), floods, lambda connection: time.sleep(3),
                                    lambda connection: connection.close()])
def test_answers_that_take_their_time(answer, monkeypatch):
    from neap import store_server

    monkeypatch.setattr(store_server, "ANSWER_BYTES", 1 << 22)
    with Hostile() as server, connect(f"redis://127.0.0.1:{server.port}", "str", "u32", timeout=30) as store:
        store._servers._timeout = 0.5
        server.answers["EVALSHA"] = answer
        started = time.monotonic()
        error, text = outcome(lambda: store["a"])
        assert error is StoreError and ("no answer" in text or answer is floods and "an answer of more than" in text)
        assert time.monotonic() - started < 2


# --- secrets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [
    "redis://h/0?password=hunter2", "redis://:hunter2/x@127.0.0.1:1/0", "redis://:hunter2?x@127.0.0.1:1/0", "redis://:hunter2#x@127.0.0.1:1",
    "redis://hunter2:x@h:0", "redis://me:hunter2@h:port/0", "redis://me:hunter2@h/zero", "redis://:80/hunter2@h/0", "unix://me:hunter2@",
    "redis://me:hunter2@h?nmae=x", "redis://h?hunter2=x@y/z", "redis:me:hunter2@h", "reddis://me:hunter2@h", "hunter2@h", "redis://:1?hunter2@h/0",
    "redis://me:hunter2@h:99999", "rediss://me:hunter2@h?ca=", "redis://me:hunter2@[::1", "redis://h:hunter2", "unix://me@hunter2/x"])
def test_no_part_of_a_wrong_url_is_shown(url):
    error, text = outcome(lambda: connect(url, timeout=0.2))
    assert error is ValueError and "hunter2" not in text and "\n" not in text


def shown(error):
    """What a traceback shows of it, without lines of programs."""
    chain = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "".join(traceback.format_exception_only(error)) + (shown(chain) if chain else "")


def test_a_password_is_never_shown(tmp_path):
    server = redis_process.Server(tmp_path, "--requirepass", "hun/ter2@")
    try:
        url = f"redis://:hun%2Fter2%40@127.0.0.1:{server.port}?name=n"
        with connect(url) as store:
            store["a"] = "1"
            assert store["a"] == "1" and "ter2" not in repr(store)
    finally:
        server.kill()
    with pytest.raises(StoreError) as caught:
        connect(url, timeout=0.5)
    assert "ter2" not in shown(caught.value)
    with Hostile(AUTH=b"-ERR hunter2 is not the password\r\n") as server, pytest.raises(StoreError) as caught:
        connect(f"redis://:hunter2@127.0.0.1:{server.port}")
    assert "hunter2" not in shown(caught.value)


@pytest.mark.parametrize("options, text", [
    (["--rename-command", "EVALSHA", ""], "it refused: unknown command"), (["--maxmemory", "3mb"], "it refused: OOM")])
def test_no_key_or_value_is_in_an_error(tmp_path, options, text):
    server = redis_process.Server(tmp_path, *options)
    try:
        with pytest.raises(StoreError) as caught, connect(server.url) as store:
            store["secret key"] = "secret value"
            store.update((f"secret key {number}", "secret value" * 5) for number in range(100_000))
        assert text in str(caught.value) and "secret" not in shown(caught.value)
    finally:
        server.kill()


def test_a_unix_socket(tmp_path):
    server = redis_process.Server(tmp_path, "--unixsocket", str(tmp_path / "redis sock"))
    try:
        with connect(f"unix://{tmp_path}/redis%20sock?db=3&name=n", "str", "u32") as store:
            store["a"] = 1
            assert repr(store) == f"<neap store unix://{tmp_path}/redis%20sock?db=3&name=n: 'str' to 'u32'>"
        assert redis.Redis("127.0.0.1", server.port, db=3).exists("neap2:{n/0}")
    finally:
        server.kill()
    error, text = outcome(lambda: connect(f"unix://{tmp_path}/none.sock"))
    assert error is StoreError and "no answer: is it running?" in text and "No such file" in text


# --- TLS -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """For localhost by name, for the loopback address, and for somebody else, of an authority each."""
    folder = tmp_path_factory.mktemp("certificates")
    return {name: redis_process.Certificate(folder / name, names) for name, names in
            (("name", "DNS:localhost"), ("address", "IP:127.0.0.1"), ("other", "DNS:other.example"))}


def refused(url, part):
    error, text = outcome(lambda: connect(url, "str", "u32", timeout=3))
    assert error is StoreError and "its certificate is not accepted" in text and part in text and "ca=FILE" in text


def test_tls(tmp_path, certificates):
    mine, other = certificates["name"], certificates["other"]
    server = redis_process.Server(tmp_path, "--requirepass", "hunter2", tls=mine)
    try:
        place = f"localhost:{server.port}"
        with connect(f"rediss://:hunter2@{place}?ca={mine.ca}", "str", "u32") as store:
            store.update({"a": 1, "b": 2})
            assert store.get_many(["a", "b"]) == [1, 2] and repr(store).startswith(f"<neap store rediss://{place}: ")
        refused(f"rediss://:hunter2@127.0.0.1:{server.port}?ca={mine.ca}", "127.0.0.1")
        refused(f"rediss://:hunter2@{place}", "self-signed certificate")
        refused(f"rediss://:hunter2@{place}?ca={other.ca}", "certificate")
        error, text = outcome(lambda: connect(f"redis://{place}", timeout=2))
        assert error is StoreError
    finally:
        server.kill()
    plain = redis_process.Server(tmp_path)
    try:
        error, text = outcome(lambda: connect(f"rediss://localhost:{plain.port}?ca={mine.ca}", timeout=2))
        assert error is StoreError and "no answer" in text or "does it speak TLS" in text
    finally:
        plain.kill()


def test_a_password_goes_to_no_other_host(certificates):
    """The certificate is valid, but for other.example."""
    other = certificates["other"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.file, other.key)
    with Hostile(context) as server:
        refused(f"rediss://me:hunter2@localhost:{server.port}?ca={other.ca}", "localhost")
        time.sleep(0.2)
        assert server.heard == []


def test_a_cluster_with_tls(tmp_path, certificates):
    """Every node has to prove its own address, not only the one that the URL names."""
    mine = certificates["address"]
    nodes = redis_process.make_cluster(tmp_path, tls=mine)
    try:
        with connect(f"{nodes[0].url}?ca={mine.ca}", "str", "u32", expect=5000) as store:
            store.update((str(number), number) for number in range(2000))
            assert len(store) == 2000 and store.get_many(["5", "x"]) == [5, None]
    finally:
        for one in nodes:
            one.kill()


def test_a_cluster_that_leads_to_another_host(certificates):
    """The first node is what it says; the node that it names is not."""
    mine, other = certificates["name"], certificates["other"]
    contexts = []
    for one in (mine, other):
        contexts.append(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        contexts[-1].load_cert_chain(one.file, one.key)
    both = mine.ca.parent / "both.pem"
    both.write_bytes(mine.ca.read_bytes() + other.ca.read_bytes())
    with Hostile(contexts[1]) as second:
        slots = array(array(b":0\r\n", b":16383\r\n", array(bulk(b"localhost"), b":%d\r\n" % second.port)))
        with Hostile(contexts[0], INFO=bulk(b"cluster_enabled:1\r\n"), CLUSTER=slots) as first:
            refused(f"rediss://me:hunter2@localhost:{first.port}?ca={both}", "localhost")
            assert second.heard == [] and first.heard
    assert os.path.exists(both)
