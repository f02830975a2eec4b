"""A program that holds memory, says what it takes, and can tell that nothing it holds was damaged.

    grow N     a list and a bytearray grow to N elements, step by step
    thin N     makes N strings and keeps one in a thousand of them
    hold MB    holds that much more, in objects of 8 KB
    map N      fills a neap.Map with N entries and keeps one in a thousand
    fork       a child takes, checks and drops memory, and ends; so does its parent
    check      looks at all that is held
    memory     Rss, Pss and AnonHugePages in bytes, as JSON
Each line is answered by one line: "done", JSON, or what is wrong.
"""
import gc
import json
import os
import sys


class Held:
    """What the program holds, each with the rule by which it was made."""

    def __init__(self):
        self.numbers, self.data, self.thin, self.table, self.large = [], bytearray(), [], None, []

    def grow(self, count):
        self.numbers, self.data = [], bytearray()
        for number in range(count):
            self.numbers.append(number)
            self.data.append(number & 255)

    def make_thin(self, count):
        made = [str(number) * 6 for number in range(count)]
        self.thin = made[::1000]
        del made
        gc.collect()

    def hold(self, megabytes):
        self.large = [b"%07d|" % number * 1000 for number in range(megabytes * 125)]

    def make_map(self, count):
        import neap
        self.table = neap.Map("u64", "u64")
        for number in range(count):
            self.table[number] = number * 3
        for number in range(count):
            if number % 1000:
                del self.table[number]

    def wrong(self):
        """What is not as it was made, or None."""
        if self.numbers != list(range(len(self.numbers))):
            return "the list"
        if self.data != (bytes(range(256)) * (len(self.data) // 256 + 1))[:len(self.data)]:
            return "the bytearray"
        if self.thin != [str(number * 1000) * 6 for number in range(len(self.thin))]:
            return "the strings"
        if any(item != b"%07d|" % number * 1000 for number, item in enumerate(self.large)):
            return "the large objects"
        if self.table is not None and any(self.table[key] != key * 3 for key in range(0, 1000 * len(self.table), 1000)):
            return "the map"
        return None


def forked(held):
    """Parent and child both take memory after the fork, and both find theirs and the old undamaged."""
    child = os.fork()
    more = [str(number) * 3 for number in range(100000)]
    wrong = held.wrong() or (None if more == [str(number) * 3 for number in range(100000)] else "what is new")
    del more
    if child == 0:
        os._exit(1 if wrong else 0)
    _, status = os.waitpid(child, 0)
    return wrong or ("the child ended with status %d" % status if status else None)


def memory():
    wanted = ("Rss", "Pss", "AnonHugePages")
    with open("/proc/self/smaps_rollup") as rollup:
        lines = [line.split() for line in rollup]
    return {words[0][:-1]: int(words[1]) * 1024 for words in lines if words[0][:-1] in wanted}


def main():
    held = Held()
    for line in iter(sys.stdin.readline, ""):
        verb, _, amount = line.strip().partition(" ")
        answer = None
        if verb == "grow":
            held.grow(int(amount))
        elif verb == "thin":
            held.make_thin(int(amount))
        elif verb == "hold":
            held.hold(int(amount))
        elif verb == "map":
            held.make_map(int(amount))
        elif verb == "fork":
            answer = forked(held)
        elif verb == "check":
            answer = held.wrong()
        elif verb == "memory":
            answer = json.dumps(memory())
        print(answer or "done", flush=True)


main()
