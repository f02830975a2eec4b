"""Files and shared memory that another process cuts short while they are in use: an exception, and never a signal.

Each program runs in a process of its own, with and without faulthandler, whose handler of SIGBUS comes before or
after that of the package.
"""
import os
import subprocess
import sys
import textwrap

import pytest

from process_support import environment, needs_containers

pytestmark = needs_containers

BEGIN = """
import faulthandler, os, pickle, subprocess, sys, neap

def raises(call, *words):
    try:
        result = call()
    except ValueError as error:
        assert not words or any(word in str(error) for word in words), error
    else:
        raise AssertionError(f"{call} gave {result!r}")

def in_another_process(body):
    subprocess.run([sys.executable, "-c", "import neap, os\\n" + body], check=True)

def cut(path, size=0):
    in_another_process(f"os.truncate({path!r}, {size})")
"""

FAULTHANDLER = {
    "none": ("", ""),
    "before": ("faulthandler.enable()", ""),
    "after": ("", "faulthandler.enable()"),
}


@pytest.fixture(params=FAULTHANDLER)
def run(request, tmp_path):
    """Runs `first`, which opens what is to be cut, and `then`, with faulthandler before or after the first."""

    def run(first, then):
        before, after = FAULTHANDLER[request.param]
        code = "\n".join([BEGIN, before, textwrap.dedent(first), after, textwrap.dedent(then), "print('end')"])
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), text=True,
                              capture_output=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr

    return run


def test_bits(run):
    run("""
        bits = neap.Bits.open("bits", "w+"); bits.resize(8 << 20); bits.fill(1)
        reader = neap.Bits.open("bits")
        view = memoryview(reader)
    """, """
        in_another_process("with neap.Bits.open('bits', 'r+') as b: b.resize(8)")
        assert len(bits) == 8 == 8 * os.path.getsize("bits")
        raises(bits.count, "cut short")
        assert len(bits) == 8 and bits.count() == 8
        assert view[-1] == 0 and sum(view) == 255          # a view is as long as it was, and zeros
        raises(reader.count, "cut short")
        raises(lambda: reader[5000000])
        view.release()
        raises(lambda: bytes(reader))
        assert bytes(reader) == b"\\xff"
    """)


def test_every_operation_on_bits(run):
    run("""
        def fresh():
            bits = neap.Bits.open("bits", "w+"); bits.resize(1 << 20); bits.fill(1)
            other = neap.Bits.open("bits", "r+")
            os.truncate("bits", 10)
            return other
        memory = neap.Bits(1 << 20)
    """, """
        def assign(bits, key, value): bits[key] = value
        def delete(bits, key): del bits[key]
        for call in (lambda b: b.count(), lambda b: b.find(0), lambda b: b.any(), lambda b: b.all(), lambda b: b[500000],
                     lambda b: b[:], lambda b: b[::3], lambda b: b[3:9000], lambda b: assign(b, -1, 1),
                     lambda b: assign(b, 500000, 1), lambda b: assign(b, slice(0, 99999), 0), lambda b: delete(b, 5),
                     lambda b: b.append(1), lambda b: b.extend("1"), lambda b: b.insert(0, 1), lambda b: b.pop(),
                     lambda b: b.resize(100), lambda b: b.clear(), lambda b: b.fill(0), lambda b: b.invert(),
                     lambda b: b.reverse(), lambda b: b.copy(), lambda b: b.to01(), lambda b: repr(b), lambda b: int(b),
                     lambda b: b & memory, lambda b: memory & b, lambda b: b.__ior__(memory), lambda b: memory.__ixor__(b),
                     lambda b: b << 1, lambda b: b.__irshift__(1), lambda b: ~b, lambda b: b == memory,
                     lambda b: memory == b, lambda b: b in memory, lambda b: memory in b, lambda b: 0 in b,
                     lambda b: b + b"1", lambda b: memory + b, lambda b: b * 2, lambda b: b.__imul__(2),
                     lambda b: neap.Bits(b), lambda b: bytes(b), lambda b: pickle.dumps(b), lambda b: memory.count_and(b),
                     lambda b: b.count_xor(memory), lambda b: b.rfind(0), lambda b: b.index(0)):
            raises(lambda: call(fresh()), "cut short", "equal length")
        for iterator in (iter, neap.Bits.ones):
            raises(lambda: sum(1 for _ in iterator(fresh())), "cut short")
    """)


def test_a_handler_that_came_and_went(tmp_path):
    """faulthandler.disable() puts the action before its own in place; the next file puts that right."""
    code = BEGIN + textwrap.dedent("""
        faulthandler.enable()
        neap.Map("str", "str", {f"key {i}": "value" * 50 for i in range(2000)}).save("map")
        m = neap.Map.open("map")
        faulthandler.disable()
        other = neap.Map.open("map")
        cut("map")
        raises(lambda: m["key 5"], "damaged")
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_map(run):
    run("""
        neap.Map("str", "str", {f"key {i}": "value" * 50 for i in range(2000)}).save("map")
        m = neap.Map.open("map")
        items = iter(m.items())
        next(items)
    """, """
        cut("map")
        for call in (lambda: m["key 5"], lambda: m.get("key 5"), lambda: "key 5" in m, lambda: list(m), lambda: dict(items),
                     lambda: m.copy(), lambda: m.save("other"), lambda: m.verify(), lambda: m == m.copy()):
            raises(call, "damaged")
        assert os.listdir() == ["map"]
    """)


def test_frozen_trie(run):
    run("""
        t = neap.Trie("str", "bytes", {f"key {i}": b"value" * 50 for i in range(2000)}).freeze()
        t.save("trie")
        t = neap.FrozenTrie.open("trie")
        items = iter(t.items())
        next(items)
    """, """
        cut("trie")
        for call in (lambda: t["key 5"], lambda: t.get("key 5"), lambda: "key 5" in t, lambda: list(t), lambda: dict(items),
                     lambda: len(t.prefix("key 1")), lambda: t.longest_prefix_of("key 55"), lambda: t.prefixes_of("key 55"),
                     lambda: t.save("other"), lambda: t.verify()):
            raises(call)
        assert os.listdir() == ["trie"]
    """)


def test_stream(run):
    name = f"test-cut.{os.getpid()}"
    run(f"""
        import socket
        name = {name!r}
        writer = neap.Stream.shared(name, 4096, 16)
        writer.write(b"x" * 40000)
        stream = neap.Stream.shared(name)
        reader, viewer = stream.reader("oldest"), stream.reader("oldest")
        view = viewer.view()
        left, right = socket.socketpair()
        left.setblocking(False)
    """, """
        cut("/dev/shm/neap." + name)
        try:
            assert sum(view.memory) == 0
            for call in (reader.read, reader.read_block, lambda: reader.readinto(bytearray(5)), lambda: next(reader),
                         lambda: reader.send(left), reader.view, lambda: view.__exit__(None, None, None)):
                raises(call, "cut short")
            assert stream.state == "cut" and not reader.ended and reader.wait(1)
            raises(lambda: [writer.write(b"y" * 4096) for _ in range(16)], "cut short")
            raises(lambda: writer.claim(5), "cut short")
        finally:
            os.unlink("/dev/shm/neap." + name)
    """)


@pytest.mark.parametrize("faulthandler", ["", "faulthandler.enable()"])
def test_any_other_bus_error_ends_the_process(faulthandler, tmp_path):
    for end in ("os.kill(os.getpid(), signal.SIGBUS)", "signal.raise_signal(signal.SIGBUS)", "file[0]"):
        for order in (0, 1):
            code = ["import faulthandler, mmap, os, resource, signal, neap",
                    "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
                    "open('file', 'wb').write(b'x' * 8192); file = mmap.mmap(os.open('file', os.O_RDWR), 8192)",
                    "os.truncate('file', 0)"]
            two = [faulthandler, "bits = neap.Bits.open('bits', 'w+'); bits.resize(80)"]
            done = subprocess.run([sys.executable, "-c", "\n".join([*code, *two[::1 - 2 * order], end])], cwd=tmp_path,
                                  env=environment(), capture_output=True, text=True, timeout=60)
            assert done.returncode == -7, (end, order, done.stderr)
            assert ("Fatal Python error: Bus error" in done.stderr) == bool(faulthandler)


def test_two_handles_lose_nothing(tmp_path):
    code = BEGIN + textwrap.dedent("""
        a = neap.Bits.open("bits", "w+")
        a.resize(64)
        in_another_process("with neap.Bits.open('bits', 'r+') as b: b.resize(80000); b.fill(1)")
        assert len(a) == 80000
        a.append(1)
        assert os.path.getsize("bits") == 10001 and len(a) == 80001 and a.count() == 80001
        assert a[79999] == 1 and a[-1] == 1
        in_another_process("with neap.Bits.open('bits', 'r+') as b: b.extend('1' * 80)")
        a.pop()
        assert len(a) == 80001 + 7 + 80 - 1
        view = memoryview(a)
        in_another_process("with neap.Bits.open('bits', 'r+') as b: b.append(1)")
        assert len(a) == 80087 and len(view) == 10011     # as long as the view exists
        view.release()
        assert len(a) == 80096 and a.count() == 80001 + 80 - 1 + 1
    """)
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
