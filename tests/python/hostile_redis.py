"""A server that speaks Redis's protocol and means harm: what it answers to each command is given by the test."""
import socket
import threading
import time


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


def array(*parts):
    return b"*%d\r\n" % len(parts) + b"".join(parts)


def head(key=b"str", value=b"u32", shards=b"1", buckets=b"3", generation=b"0" * 16):
    return b"neap 2 %s %s shards %s buckets %s generation %s" % (key, value, shards, buckets, generation)


class Hostile:
    """`answers` has bytes, or a function of the connection, by the name of a command: INFO, TYPE, AGREE (the first
    script of a mapping), EVALSHA (all others), CLUSTER, AUTH. `heard` has all commands."""

    def __init__(self, context=None, **answers):
        self.answers = {"INFO": bulk(b"cluster_enabled:0\r\n"), "TYPE": b"+none\r\n", "AGREE": array(bulk(head())),
                        "AUTH": b"+OK\r\n", "EVALSHA": array(b"$-1\r\n"), **answers}
        self.context, self.heard = context, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb")
            while command := self.command(stream):
                self.heard.append(command)
                name = command[0].decode().upper()
                if name == "EVALSHA" and command[2] == b"1":
                    name = "AGREE"
                answer = self.answers.get(name, b"+OK\r\n")
                if callable(answer):
                    answer(connection)
                else:
                    connection.sendall(answer)
        except OSError:
            pass
        finally:
            connection.close()

    def command(self, stream):
        first = stream.readline()
        if not first:
            return None
        parts = []
        for _ in range(int(first[1:])):
            parts.append(stream.read(int(stream.readline()[1:])))
            stream.read(2)
        return parts

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()


def drips(data):
    """An answer of which a byte comes every tenth of a second."""

    def answer(connection):
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    return answer


def floods(connection):
    """An answer without an end."""
    connection.sendall(b"*1\r\n$99999999999999\r\n")
    while True:
        connection.sendall(bytes(1 << 16))
