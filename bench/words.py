#!/usr/bin/python3
"""The two data sets of the containers' figures, made anew and always the same.

    words     46,461 distinct English words, 337,670 bytes together, chosen from
              Debian's list (package wamerican)
    floats    one million str(random.random()), 18.3 MB

`words.py FILE` writes the words, one a line, in no order. As a module: words(), floats().
"""

import random
import sys
from pathlib import Path

SOURCE = Path("/usr/share/dict/american-english")
COUNT, BYTES = 46_461, 337_670


def words() -> list[str]:
    """The chosen words, in no order. Raises FileNotFoundError without the package."""
    chance = random.Random(1)
    known = sorted({word for word in SOURCE.read_text("utf-8").split() if word.isascii() and word.islower() and word.isalpha()})
    chance.shuffle(known)
    chosen, left = known[:COUNT], known[COUNT:]
    excess = sum(map(len, chosen)) - BYTES
    while excess:  # longer words go for shorter ones until the bytes are right
        here, there = chance.randrange(len(chosen)), chance.randrange(len(left))
        gain = len(chosen[here]) - len(left[there])
        if 0 < gain <= excess or excess < 0 and gain < 0 and gain >= excess:
            chosen[here], left[there] = left[there], chosen[here]
            excess -= gain
    return chosen


def floats(count: int = 1_000_000) -> list[str]:
    """Texts of `count` random numbers, all different."""
    chance = random.Random(1)
    texts = dict.fromkeys(str(chance.random()) for _ in range(count))
    while len(texts) < count:
        texts[str(chance.random())] = None
    return list(texts)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: words.py FILE")
    Path(sys.argv[1]).write_text("\n".join(words()) + "\n")
