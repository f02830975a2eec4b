"""Feeds of XML are parsed into element trees; of every feed its newest entry is kept and the
rest of its tree is cut off."""
import xml.etree.ElementTree as ElementTree
import zlib

import probe


def feed(number, entries):
    return "<feed id='%d'>%s</feed>" % (number, "".join(
        "<entry at='%d'><title>News %d.%d</title><link href='/n/%d'/><body>%s</body></entry>"
        % (place, number, place, place, "text " * (place * 7 % 30)) for place in range(entries)))


def newest(tree):
    return max(tree, key=lambda entry: int(entry.get("at")))


def full(scale, peak):
    trees = [ElementTree.fromstring(feed(number, 300)) for number in range(int(340 * scale) or 1)]
    peak()
    return [newest(tree) for tree in trees]


def kept_only(scale):
    kept = []
    for number in range(int(340 * scale) or 1):
        kept.append(newest(ElementTree.fromstring(feed(number, 300))))
    return kept


def digest(kept):
    return zlib.crc32(b"".join(ElementTree.tostring(entry) for entry in kept))


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
