"""A service that grows: a cache that nothing empties, and a burst whose few survivors hold the rest.

    python3 examples/growing_service.py &
    neap look --by owner $!
    neap pins $!
"""
import time

CACHE = {}


class Session:
    def __init__(self, user):
        self.user = user
        self.answers = []


def handle(number):
    session = Session("user-%d" % number)
    session.answers.append("answer %d " % number * 8)
    CACHE[number] = session


def rows_of_a_report():
    rows = [str(number) * 6 for number in range(400_000)]
    return rows[::2000]


def serve():
    recent = rows_of_a_report()
    for number in range(50_000):
        handle(number)
    print("ready", flush=True)
    while recent:
        time.sleep(1)


if __name__ == "__main__":
    serve()
