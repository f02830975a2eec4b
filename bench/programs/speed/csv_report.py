"""CSV both ways: a table is read, typed, grouped and written as a report; thousands of short
strings live for one file."""
import csv
import io
import random

import workload


def prepare():
    source = random.Random(16)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["date", "store", "article", "count", "price", "remark"])
    for number in range(6000):
        writer.writerow(["2024-%02d-%02d" % (1 + number % 12, 1 + number % 28),
                         "store %d" % source.randrange(80), "A%05d" % source.randrange(900),
                         source.randrange(1, 20), "%.2f" % (source.random() * 60),
                         'said "%s", twice' % ("x" * source.randrange(40))])
    return {"text": out.getvalue()}


def work(state, number):
    groups, total = {}, 0
    for row in csv.DictReader(io.StringIO(state["text"])):
        cents = int(row["count"]) * round(float(row["price"]) * 100)
        total += cents
        groups.setdefault((row["store"], row["date"][:7]), []).append((row["article"], cents))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    for (store, month), rows in sorted(groups.items()):
        rows.sort(key=lambda row: -row[1])
        writer.writerow([store, month, len(rows), sum(cents for _, cents in rows), rows[0][0]])
    return out.getvalue(), total


def check(state, number, result):
    text, total = result
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    return (sum(int(row[3]) for row in rows) == total
            and sum(int(row[2]) for row in rows) == 6000)


if __name__ == "__main__":
    workload.main(work, check, rounds=65, prepare=prepare)
