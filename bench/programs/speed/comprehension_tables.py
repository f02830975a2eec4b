"""Comprehensions that filter, regroup and join tables held as lists of dicts and tuples: the
everyday script that answers a question about data."""
import random

import workload


def prepare():
    source = random.Random(12)
    people = [{"id": number, "town": "town%d" % source.randrange(60), "age": source.randrange(90)}
              for number in range(3000)]
    orders = [(source.randrange(3000), source.randrange(1, 50), source.random() * 80)
              for _ in range(6000)]
    return {"people": people, "orders": orders}


def work(state, number):
    people, orders = state["people"], state["orders"]
    limit = 18 + number % 40
    adults = {person["id"]: person for person in people if person["age"] >= limit}
    joined = [{"town": adults[buyer]["town"], "age": adults[buyer]["age"], "worth": count * price,
               "key": (buyer, count)} for buyer, count, price in orders if buyer in adults]
    towns = {row["town"] for row in joined}
    by_town = {town: [row for row in joined[:600] if row["town"] == town] for town in towns}
    best = sorted(((sum(row["worth"] for row in rows), town) for town, rows in by_town.items()),
                  reverse=True)
    matrix = [[(x * y) % 97 for y in range(60)] for x in range(60)]
    turned = [list(column) for column in zip(*matrix)]
    return adults, joined, best, [row[::-1] for row in turned], matrix


def check(state, number, result):
    adults, joined, best, turned, matrix = result
    bought = sum(1 for buyer, _, _ in state["orders"] if buyer in adults)
    return (len(joined) == bought and best == sorted(best, reverse=True)
            and turned[7][::-1][9] == matrix[9][7])


if __name__ == "__main__":
    workload.main(work, check, rounds=350, prepare=prepare)
