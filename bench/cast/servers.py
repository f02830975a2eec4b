"""The servers that are compared: started with like settings, looked at from outside, stopped.

Both listen on 127.0.0.1, keep 512 KiB for who is slow, send 64 KiB at once to who comes, and write a log of accesses.
"""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from load import Failed, end_with_parent, stop

ROOT = Path(__file__).resolve().parents[2]
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")

ICECAST_XML = """<icecast>
  <location>bench</location><admin>bench@localhost</admin><hostname>localhost</hostname>
  <limits>
    <clients>100000</clients><sources>100</sources>
    <queue-size>524288</queue-size><burst-on-connect>1</burst-on-connect><burst-size>65535</burst-size>
    <client-timeout>30</client-timeout><header-timeout>15</header-timeout><source-timeout>10</source-timeout>
  </limits>
  <authentication>
    <source-password>bench</source-password><relay-password>bench</relay-password>
    <admin-user>admin</admin-user><admin-password>bench</admin-password>
  </authentication>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <fileserve>1</fileserve>
  <paths>
    <basedir>{share}</basedir><logdir>{folder}</logdir>
    <webroot>{share}/web</webroot><adminroot>{share}/admin</adminroot>
  </paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
  <security><chroot>0</chroot></security>
</icecast>
"""

NEAP_INI = """[server]
source-password = bench
admin-password = bench
max-listeners = 100000
max-sources = 100
burst = 64 KiB
queue = 512 KiB
access-log = {folder}/access.log
error-log = {folder}/error.log
{more}
"""


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def tcp_memory_bytes():
    """What the kernel holds for TCP, of all processes. Each processor keeps up to 1 MiB uncounted."""
    with open("/proc/net/sockstat") as file:
        words = next(line for line in file if line.startswith("TCP:")).split()
    return int(words[words.index("mem") + 1]) * PAGE_BYTES


class Server:
    """One process (and its children, if it has any) that serves on a port."""

    name, users = "", ()

    def __init__(self, folder, more=""):
        self.folder, self.more, self.port, self.process = Path(folder), more, free_port(), None

    def __enter__(self):
        self.folder.mkdir(mode=0o777)
        self.folder.chmod(0o777)  # the server is another user than root
        self.process = self.spawn(self.command())
        try:
            self.wait_until_listening()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def spawn(self, command):
        with open(self.folder / "output.log", "wb") as output:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    start_new_session=True, preexec_fn=end_with_parent,
                                    **as_other_user((*self.users, "nobody")))

    def wait_until_listening(self):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise Failed(f"{self.name} does not listen: {self.last_words()}")

    def last_words(self):
        lines = [line for name in ("output.log", "error.log") if (self.folder / name).exists()
                 for line in (self.folder / name).read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1] if lines else "it says nothing"

    def stop(self):
        if self.process:
            stop(self.process, 20)

    def must_live(self):
        """A server that has ended during a row is no result."""
        if self.process.poll() is not None:
            ended = self.process.returncode
            how = signal.Signals(-ended).name if ended < 0 else f"exit {ended}"
            raise Failed(f"{self.name} has ended ({how}): {self.last_words()}")

    def pids(self):
        self.must_live()
        pids, known = [self.process.pid], 0
        while known < len(pids):
            try:
                children = Path(f"/proc/{pids[known]}/task/{pids[known]}/children").read_text()
            except OSError:
                children = ""
            pids += map(int, children.split())
            known += 1
        return pids

    def memory(self):
        """RSS and Pss in KB: {"rss": …, "pss": …}."""
        sums = {"rss": 0, "pss": 0}
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup") as file:
                for line in file:
                    name = line.split(":")[0].lower()
                    if name in sums:
                        sums[name] += int(line.split()[1])
        return sums

    def cpu_s(self):
        """User and system time so far, all threads."""
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / TICKS


class Icecast(Server):
    name, users = "icecast", ("icecast2",)

    @staticmethod
    def missing():
        """Why it cannot be measured; None if it can."""
        return None if shutil.which("icecast2") else "icecast2 is not installed (apt-get install icecast2)"

    @staticmethod
    def told_version():
        text = subprocess.run(["icecast2", "-v"], capture_output=True, text=True).stdout
        return text.strip() or "icecast2"

    def command(self):
        path = self.folder / "icecast.xml"
        path.write_text(ICECAST_XML.format(port=self.port, folder=self.folder, share="/usr/share/icecast2"))
        return ["icecast2", "-c", str(path)]


class Neap(Server):
    name, users = "neap", ("neap-cast",)
    program = ROOT / "build/neap-cast"

    @classmethod
    def missing(cls):
        return None if cls.program.exists() else f"{cls.program} is not built (./dev build)"

    @classmethod
    def told_version(cls):
        text = subprocess.run([str(cls.program), "--version"], capture_output=True, text=True).stdout
        return text.strip() or "neap-cast"

    def command(self):
        path = self.folder / "neap-cast.ini"
        path.write_text(NEAP_INI.format(folder=self.folder, more=self.more))
        return [str(self.program), "--listen", f"127.0.0.1:{self.port}", "--config", str(path)]


def as_other_user(names):
    """The keywords with which Popen starts a program as the first of these users; none if the bench is not root.

    Icecast refuses to be root. A server that gave up root by itself would outlive a bench that is killed, since
    Linux clears the signal of end_with_parent then.
    """
    if os.geteuid() != 0:
        return {}
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {}


PEERS = {"neap": Neap, "icecast": Icecast}
