"""Log records through the logging package: made, filtered, formatted and kept in a ring, the
tax that every server pays on every request."""
import collections
import io
import logging

import workload


class Ring(logging.Handler):
    def __init__(self, size):
        super().__init__()
        self.lines = collections.deque(maxlen=size)

    def emit(self, record):
        self.lines.append(self.format(record))


def prepare():
    ring, stream = Ring(500), io.StringIO()
    form = logging.Formatter("%(levelname)s %(name)s %(module)s:%(lineno)d %(message)s")
    writer = logging.StreamHandler(stream)
    for handler in (ring, writer):
        handler.setFormatter(form)
    writer.setLevel(logging.WARNING)
    root = logging.getLogger("app")
    root.propagate = False
    root.setLevel(logging.INFO)
    root.addHandler(ring)
    root.addHandler(writer)
    return {"ring": ring, "stream": stream}


def handle(log, number, request):
    log.debug("never seen %d", request)
    log.info("request %d for /page/%d from %s", number, request, "10.0.0.%d" % (request % 250))
    if request % 20 == 0:
        log.warning("slow request %(id)d: %(time).2f s", {"id": request, "time": request / 7.0})
    if request % 50 == 0:
        try:
            raise ValueError("bad field %d" % request)
        except ValueError:
            log.exception("request %d failed", request)


def work(state, number):
    state["stream"].seek(0)
    state["stream"].truncate()
    for request in range(1000):
        handle(logging.getLogger("app.part%d" % (request % 10)), number, request)
    return state["stream"].getvalue()


def check(state, number, text):
    ring = state["ring"].lines
    return (text.count("slow request") == 50 and text.count("Traceback") == 20
            and len(ring) == 500 and "request %d for /page/999" % number in ring[-1])


if __name__ == "__main__":
    workload.main(work, check, rounds=160, prepare=prepare)
