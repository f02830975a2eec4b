"""Counting words, pairs and lines of text: splitting, lowering, grouping and sorting with
Counter and defaultdict, the oldest batch job there is."""
import collections
import random
import re

import workload

SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()


def prepare():
    source = random.Random(20)
    words = ["".join(SYLLABLES[source.randrange(20)] for _ in range(1 + source.randrange(4)))
             for _ in range(4000)]
    lines = [" ".join(words[int(4000 * source.random() ** 3)] + (", " if spot % 7 == 3 else "")
                      for spot in range(source.randrange(1, 18))).capitalize() + "."
             for _ in range(1500)]
    return {"text": "\n".join(lines)}


def work(state, number):
    text = state["text"]
    plain = collections.Counter(re.findall(r"\w+", text.lower()))
    pairs, places = collections.Counter(), collections.defaultdict(list)
    for at, line in enumerate(text.splitlines()):
        words = line.lower().replace(",", " ").replace(".", "").split()
        pairs.update(zip(words, words[1:]))
        for word in words:
            places[word].append(at)
    by_length = {}
    for word, count in plain.most_common():
        by_length.setdefault(len(word), []).append((count, word))
    return plain, pairs, places, by_length


def check(state, number, result):
    plain, pairs, places, by_length = result
    return (all(len(places[word]) == count for word, count in plain.items())
            and sum(pairs.values()) == sum(plain.values()) - len(state["text"].splitlines())
            and sum(map(len, by_length.values())) == len(plain))


if __name__ == "__main__":
    workload.main(work, check, rounds=150, prepare=prepare)
