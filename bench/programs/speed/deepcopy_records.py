"""Deep copies of nested business records, as a service does that hands every request its own
copy of shared defaults; the copies of the last few requests stay alive."""
import collections
import copy
import random

import workload


class Address:
    def __init__(self, street, town):
        self.street = street
        self.town = town

    def __eq__(self, other):
        return self.street == other.street and self.town == other.town


def make_record(source, number):
    address = Address("%d Long Street" % source.randrange(900), "Town %d" % (number % 40))
    items = [{"sku": "sku-%06d" % source.randrange(10**6), "count": source.randrange(1, 9),
              "price": source.random() * 100, "labels": ["a", "b", str(number)]}
             for _ in range(source.randrange(2, 12))]
    return {"id": number, "bill_to": address, "ship_to": address, "items": items,
            "history": [(day, source.random()) for day in range(source.randrange(6))],
            "flags": {"paid", "sent"}, "note": "n" * source.randrange(200)}


def prepare():
    source = random.Random(1)
    records = [make_record(source, number) for number in range(300)]
    return {"records": records, "recent": collections.deque(maxlen=4)}


def work(state, number):
    copies = copy.deepcopy(state["records"][number % 3::3])
    for record in copies:
        record["bill_to"].town += "!"
    state["recent"].append(copies)
    return copies


def check(state, number, copies):
    original, made = state["records"][number % 3], copies[0]
    return (made["items"] == original["items"] and made["items"] is not original["items"]
            and made["bill_to"] is made["ship_to"]
            and made["bill_to"].town == original["bill_to"].town + "!")


if __name__ == "__main__":
    workload.main(work, check, rounds=270, prepare=prepare)
