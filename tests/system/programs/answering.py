"""A server that answers each connection with the length of a burst it made.

    answering.py PORT
"""
import socket
import sys

with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    while True:
        with server.accept()[0] as client:
            client.sendall(b"%d\n" % len([str(i) for i in range(100_000)]))
