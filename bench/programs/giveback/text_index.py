"""A text is indexed word by word, some hundred queries are answered from the index, and then
the index is dropped and the answers stay."""
import zlib

import probe

SYLLABLES = "ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu".split()


def word(number):
    made = ""
    while True:
        made += SYLLABLES[number % 20]
        number //= 20
        if not number:
            return made


def words(scale):
    state = 9
    for place in range(int(500000 * scale)):
        state = (state * 1103515245 + 12345) % 2 ** 31
        yield place, word((state >> 8) % (1 + (state >> 5) % 60000))


def answer(places):
    return len(places), places[0][0], places[-1][0]


QUERIES = [word(number * 83) for number in range(300)]


def full(scale, peak):
    index = {}
    for place, text in words(scale):
        index.setdefault(text, []).append((place, place // 300))
    kept = {query: answer(index[query]) for query in QUERIES if query in index}
    peak()
    return kept


def kept_only(scale):
    wanted, index = set(QUERIES), {}
    for place, text in words(scale):
        if text in wanted:
            count, first, _ = index.get(text, (0, place, place))
            index[text] = count + 1, first, place
    return index


def digest(kept):
    return zlib.crc32(repr(sorted(kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
