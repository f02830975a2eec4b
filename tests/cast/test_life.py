"""Starting, reloading, stopping, and what the program prints."""
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from cast_support import BUILD, PASSWORD, PROGRAM, TREE, Source, get, needs_cast, wait_for

pytestmark = needs_cast


def run(*arguments, **options):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30, **options)


def test_without_a_file_it_works_at_once(tmp_path):
    log = tmp_path / "log"
    with open(log, "w") as out, subprocess.Popen([PROGRAM, "--listen", "127.0.0.1:0"], stdout=out, stderr=out) as server:
        try:
            found = wait_for(lambda: re.search(r"password of sources is (\w+).*listening url=\"([\d.]+):(\d+)", log.read_text(),
                                               re.DOTALL), "the password and the address")
            server.address = (found[2], int(found[3]))
            source = Source(server, "/live", password=found[1]).begin()
            source.stop()
            server.send_signal(signal.SIGHUP)  # the password is not made anew
            wait_for(lambda: "event=reloaded" in log.read_text(), "the reload")
            source = Source(server, "/other", password=found[1]).begin()
            source.stop()
            assert log.read_text().count("password of sources") == 1
        finally:
            server.send_signal(signal.SIGTERM)
            assert server.wait(timeout=20) == 0


def test_help_and_version():
    assert run("--help").stdout.startswith("Usage: neap cast") and max(map(len, run("--help").stdout.splitlines())) <= 80
    version = subprocess.run([BUILD / "neap", "--version"], capture_output=True, text=True).stdout.split()[1]
    assert run("--version").stdout == "neap-cast %s\n" % version
    through_neap = subprocess.run([BUILD / "neap", "cast", "--version"], capture_output=True, text=True)
    assert through_neap.stdout == "neap-cast %s\n" % version, through_neap.stderr


def test_the_example_is_a_valid_file(tmp_path):
    example = run("--example").stdout
    file = tmp_path / "example.conf"
    file.write_text(example)
    assert run("--check", file).returncode == 0
    assert max(map(len, example.splitlines())) <= 80


@pytest.mark.parametrize("text,message", [
    ("[server]\nlisten = nonsense\n", "cast.conf"), ("[server]\nlisten = 1.2.3:80\n", "1.2.3:80"),
    ("[server]\ntrusted-proxies = 127.0.0.1 fe80:::1\n", "fe80:::1"), ("[server]\nsoruce-password = x\n", "did you mean source-password?"),
    ("[server]\nbatch = soon\n", ":2: batch"), ("[server]\nsource-password = x\n[mount /a]\nfallback = /a\n", "/a"),
    ("[mount /a.m3u]\nsource-password = x\n", "/a.m3u"), ("nonsense\n", ":1:")])
def test_a_file_that_is_wrong(tmp_path, text, message):
    file = tmp_path / "cast.conf"
    file.write_text(text)
    checked = run("--check", file)
    assert checked.returncode == 1 and message in checked.stderr and checked.stderr.count("\n") == 1, checked.stderr
    started = run("-c", file)
    assert started.returncode == 1 and started.stderr == checked.stderr


def test_the_example_in_the_tree_is_what_the_program_prints():
    assert (TREE / "examples/cast/neap-cast.conf").read_text() == run("--example").stdout


def test_wrong_usage():
    for arguments in (("--nonsense",), ("operand",), ("--set", "no-equals"), ("-c",)):
        assert run(*arguments).returncode == 2, arguments
    missing = run("-c", "/nonexistent/file")
    assert missing.returncode == 1 and "No such file" in missing.stderr


def test_an_address_in_use():
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = run("--listen", "127.0.0.1:%d" % other.getsockname()[1], "--set", "source-password=x")
    assert result.returncode == 1 and "cannot listen at 127.0.0.1:" in result.stderr


def test_a_second_server_does_not_share_the_address(start):
    server = start()
    second = run("--listen", "%s:%d" % server.address, "--set", "source-password=x")
    assert second.returncode == 1 and "cannot listen at" in second.stderr
    assert get(server, "/").status == 200


def test_a_password_from_a_file(tmp_path, start, play):
    file = tmp_path / "password"
    file.write_text("from-the-file\nrest\n")
    server = start(("/own", {"stream-name": "Own"}), source_password=None, source_password_file=file)
    play(server, "/live", password="from-the-file")
    play(server, "/own", password="from-the-file")


def test_a_reload_drops_nobody(start, play, join):
    server = start()
    play(server, "/live")
    listeners = [join(server, "/live").hear(1000) for _ in range(10)]
    server.reload(max_listeners=10, location="Elsewhere", batch="50 ms")
    assert get(server, "/live").status == 503
    assert b"Elsewhere" in get(server, "/").rest
    for listener in listeners:
        listener.hear(30000)
    server.access.rename(server.access.with_suffix(".1"))  # as logrotate does
    server.reload()
    get(server, "/")
    wait_for(lambda: server.access.exists() and "GET / " in server.access.read_text(), "the new log")


def test_a_reload_that_fails_changes_nothing(start, play, join):
    server = start(location="Here")
    play(server, "/live")
    listener = join(server, "/live").hear(1000)
    server.file.write_text("[server]\nbatch = soon\n")
    server.process.send_signal(signal.SIGHUP)
    reason = server.wait_event("reload-failed")[0]
    assert "cast.conf:2: batch" in reason
    assert b"Here" in get(server, "/").rest
    listener.hear(30000)


def test_stopping_tells_the_listeners_by_an_end(start, play, join):
    server = start()
    source = Source(server, "/live").begin()
    listener = join(server, "/live").hear(1000)
    server.stop()
    listener.hear(1 << 30)
    assert listener.ended
    source.stop()
    assert "GET /live" in server.access.read_text()


def test_stopping_twice_is_stopping(start, play, join):
    """Several signals in a row, as from an impatient operator: the second finds loops that have ended."""
    server = start(loops=4)
    source = Source(server, "/live").begin()
    for _ in range(20):
        join(server, "/live").hear(10)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        server.process.send_signal(number)
    server.stopped = True
    assert server.process.wait(timeout=20) == 0
    source.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up root")
def test_root_is_given_up(start):
    server = start(run_as="nobody")
    status = open("/proc/%d/status" % server.process.pid).read()
    assert re.search(r"^Uid:\s+65534\s+65534\s+65534", status, re.MULTILINE)
    assert re.search(r"^CapPrm:\s+0+$", status, re.MULTILINE)
    root = run("--listen", "127.0.0.1:0", "--set", "run-as=root", "--set", "source-password=x")
    assert root.returncode == 1 and "run-as" in root.stderr


def test_all_loops_serve(start, play, join):
    server = start(loops=2)
    play(server, "/live")
    for _ in range(20):
        join(server, "/live").hear(10)
    tasks = os.listdir("/proc/%d/task" % server.process.pid)
    assert len(tasks) >= 2  # ThreadSanitizer has one of its own

    def both_work():
        ticks = [open("/proc/%d/task/%s/schedstat" % (server.process.pid, task)).read().split()[2] for task in tasks]
        return sum(int(count) > 20 for count in ticks) >= 2

    wait_for(both_work, "both threads to work")


def test_an_idle_server_does_nothing(start):
    server = start()
    before = [open("/proc/%d/stat" % server.process.pid).read().split()[13:15]]
    time.sleep(3)
    before.append(open("/proc/%d/stat" % server.process.pid).read().split()[13:15])
    assert int(before[1][0]) + int(before[1][1]) - int(before[0][0]) - int(before[0][1]) <= 2
    assert PASSWORD not in open("/proc/%d/cmdline" % server.process.pid).read()
