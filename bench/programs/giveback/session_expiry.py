"""A request handler keeps a session for each visitor; after the rush nearly all expire and one
in forty, who came at any time, stays logged in."""
import random
import zlib

import probe


class Session:
    def __init__(self, number, at):
        self.user, self.started, self.seen = "user-%d" % number, at, at
        self.basket, self.pages, self.token = [], {}, b"%032x" % (number * 7919)


def visit(session, source, at):
    session.seen = at
    page = "/shop/%d" % source.randrange(400)
    session.pages[page] = session.pages.get(page, 0) + 1
    if source.random() < 0.3:
        session.basket.append({"article": source.randrange(10 ** 5), "price": source.random()})
    return "<html>%s</html>" % (page * source.randrange(1, 40))


def stays(number):
    return number * 2654435761 % 2 ** 32 < 2 ** 32 // 40


def serve(count, holds):
    """Visitors come one after the other and each makes six visits among those of the others."""
    sessions = {}
    for step in range(count + 500):
        for turn in range(6):
            number = step - 80 * turn
            if not 0 <= number < count or not holds(number):
                continue
            if number not in sessions:
                sessions[number] = Session(number, step)
            visit(sessions[number], random.Random(number * 6 + turn), step)
    return sessions


def full(scale, peak):
    sessions = serve(int(32000 * scale), lambda number: True)
    peak()
    for number in list(sessions):
        if not stays(number):
            del sessions[number]
    return dict(sessions)


def kept_only(scale):
    return serve(int(32000 * scale), stays)


def digest(kept):
    return zlib.crc32(repr([(session.user, session.seen, session.basket, session.pages)
                            for _, session in sorted(kept.items())]).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
