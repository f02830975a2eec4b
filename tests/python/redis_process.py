"""Redis servers for tests: on loopback ports nobody uses, in a folder of their own, ended with it."""
import ctypes
import random
import shutil
import signal
import socket
import subprocess
import time

# Debian's package redis-tools has the server too, under another name, and starts no service.
SERVER = shutil.which("redis-server") or shutil.which("redis-check-rdb")


def free_port():
    """One below 55536: a node of a cluster also takes the port 10000 above its own."""
    while True:
        port = random.randrange(20_000, 55_000)
        try:
            for also in (port, port + 10_000):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", also))
            return port
        except OSError:
            pass


def end_with_parent():
    """In the child: no server outlives a test run that was killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Server:
    def __init__(self, folder, *options, port=None):
        self.port, self.options = port or free_port(), options
        self.folder = folder / f"redis-{self.port}"
        self.folder.mkdir()
        (self.folder / "redis-server").symlink_to(SERVER)
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.folder / "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder,
             *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server does not come up")
            time.sleep(0.02)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as one:
                one.sendall(b"PING\r\n")
                return one.recv(100).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)


def make_cluster(folder):
    """Three nodes that share the slots, as `redis-cli --cluster create` would have it."""
    import redis

    servers = [Server(folder, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000") for _ in range(3)]
    clients = [redis.Redis("127.0.0.1", server.port) for server in servers]
    bounds = [0, 5461, 10923, 16384]
    for client, first, last in zip(clients, bounds, bounds[1:]):
        client.execute_command("CLUSTER ADDSLOTSRANGE", first, last - 1)
        client.execute_command("CLUSTER MEET", "127.0.0.1", servers[0].port)
    deadline = time.monotonic() + 40
    while not all(client.cluster("info")["cluster_state"] == "ok" for client in clients):
        if time.monotonic() > deadline:
            raise RuntimeError("the cluster does not come up")
        time.sleep(0.1)
    return servers
