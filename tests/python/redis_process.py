"""Redis servers for tests: on loopback ports nobody uses, in a folder of their own, ended with it."""
import ctypes
import random
import shutil
import signal
import socket
import ssl
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
    """With `tls`, a Certificate, it speaks TLS and nothing else."""

    def __init__(self, folder, *options, port=None, tls=None):
        self.port, self.options, self.tls = port or free_port(), options, tls
        self.folder = folder / f"redis-{self.port}"
        self.folder.mkdir()
        (self.folder / "redis-server").symlink_to(SERVER)
        self.url = f"{'rediss' if tls else 'redis'}://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.folder / "redis-server", *self.ports(), "--bind", "127.0.0.1", "--save", "", "--dir", self.folder,
             *self.options], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, preexec_fn=end_with_parent)
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("redis-server does not come up")
            time.sleep(0.02)

    def ports(self):
        if not self.tls:
            return "--port", str(self.port)
        return ("--port", "0", "--tls-port", str(self.port), "--tls-cert-file", self.tls.file, "--tls-key-file", self.tls.key,
                "--tls-ca-cert-file", self.tls.ca, "--tls-auth-clients", "no", "--tls-replication", "yes", "--tls-cluster", "yes")

    def connected(self):
        one = socket.create_connection(("127.0.0.1", self.port), 1)
        return one if not self.tls else ssl._create_unverified_context().wrap_socket(one)

    def answers(self):
        try:
            with self.connected() as one:
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


class Certificate:
    """Of a server, for the names in `names` ("DNS:localhost"), by an authority of its own: made by openssl."""

    def __init__(self, folder, names):
        folder.mkdir()
        self.ca, self.key, self.file = folder / "ca.pem", folder / "server.key", folder / "server.pem"
        request, extension = folder / "request", folder / "extension"
        extension.write_text(f"subjectAltName={names}\n")
        for words in (["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
                       "-keyout", folder / "ca.key", "-out", self.ca],
                      ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=server", "-keyout", self.key, "-out", request],
                      ["x509", "-req", "-days", "2", "-in", request, "-CA", self.ca, "-CAkey", folder / "ca.key", "-CAcreateserial",
                       "-extfile", extension, "-out", self.file]):
            subprocess.run(["openssl", *words], check=True, capture_output=True)


def make_cluster(folder, *options, tls=None):
    """Three nodes that share the slots, as `redis-cli --cluster create` would have it."""
    import redis

    servers = [Server(folder, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000", *options, tls=tls) for _ in range(3)]
    how = {"ssl": True, "ssl_cert_reqs": None} if tls else {}
    clients = [redis.Redis("127.0.0.1", server.port, **how) for server in servers]
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
