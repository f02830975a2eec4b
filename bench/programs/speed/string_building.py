"""Strings built, split, joined, replaced and formatted: report lines and queries put together
from pieces between one byte and some kilobytes."""
import collections
import random

import workload

WORDS = ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi "
         "rho sigma tau upsilon phi chi psi omega").split()


def prepare():
    return {"source": random.Random(10), "kept": collections.deque(maxlen=400)}


def paragraph(source, words):
    return " ".join(WORDS[source.randrange(len(WORDS))] for _ in range(words))


def shout(text):
    out = ""
    for word in text.split(" "):
        out += word.capitalize() + ("\u00e9 " if len(word) == 2 else " ")
    return out.rstrip()


def work(state, number):
    source, same = state["source"], 0
    for line in range(130):
        words = 3 + int(120 * source.random() ** 3)
        text = paragraph(source, words)
        loud = shout(text)
        fields = [word.strip("aeiou").replace("m", "mm").zfill(6) for word in text.split()]
        row = "|".join(fields) + "|%s|%5.2f|%d" % (loud[:20], words / 7.0, line)
        query = f"insert into t{line % 9} values ('{text[:40]}', {words}, '{row[-30:]!r}')"
        state["kept"].append((row, query.encode("utf-8")))
        same += row.split("|")[:words] == fields and loud.lower().replace("\u00e9", "") == text
    return same


def check(state, number, same):
    return same == 130


if __name__ == "__main__":
    workload.main(work, check, rounds=490, prepare=prepare)
