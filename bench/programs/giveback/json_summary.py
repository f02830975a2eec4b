"""A large JSON document is parsed and a summary by country kept: the import job that runs
inside a server."""
import json
import random
import zlib

import probe


def document(source, count):
    return json.dumps([{"id": number, "country": "land%02d" % source.randrange(60),
                        "name": "Person %d" % number, "scores": [source.random()] * 4,
                        "address": {"street": "Road %d" % source.randrange(999), "zip": number}}
                       for number in range(count)])


def summarise(people):
    sums = {}
    for person in people:
        entry = sums.setdefault(person["country"], {"count": 0, "score": 0.0, "first": None})
        entry["count"] += 1
        entry["score"] += person["scores"][0]
        entry["first"] = entry["first"] or person["name"]
    return sums


def documents(scale):
    source = random.Random(1)
    return (document(source, 2500) for _ in range(int(32 * scale) or 1))


def full(scale, peak):
    people = []
    for text in documents(scale):
        people.extend(json.loads(text))
    kept = summarise(people)
    peak()
    return kept


def kept_only(scale):
    sums = {}
    for text in documents(scale):
        for country, entry in summarise(json.loads(text)).items():
            old = sums.setdefault(country, {"count": 0, "score": 0.0, "first": entry["first"]})
            old["count"] += entry["count"]
            old["score"] += entry["score"]
    return sums


def digest(kept):
    return zlib.crc32(repr([(country, entry["count"], round(entry["score"], 6), entry["first"])
                            for country, entry in sorted(kept.items())]).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
