"""Queues between stages of a program, held in deques: messages of all sizes pass through, with
backlogs that build up and drain."""
import collections
import random

import workload


class Message:
    def __init__(self, number, body):
        self.number, self.body, self.trace = number, body, []


def prepare():
    return {"source": random.Random(24), "stages": [collections.deque() for _ in range(6)],
            "sent": 0, "received": 0, "bytes": 0}


def push(state, stages, source):
    body = "m" * int(2 + 800 * source.random() ** 6)
    state["bytes"] += len(body)
    stages[0].append(Message(state["sent"], body))
    state["sent"] += 1


def move(state, source, stages, at):
    message = stages[at].popleft() if source.random() < 0.9 else stages[at].pop()
    message.trace.append((at, len(stages[at])))
    if at + 1 < len(stages):
        stages[at + 1].append(message)
    else:
        state["received"] += 1
        state["bytes"] -= len(message.body)


def work(state, number):
    source, stages = state["source"], state["stages"]
    for _ in range(2000):
        if source.random() < (0.95 if number % 8 < 4 else 0.35):
            push(state, stages, source)
        for _ in range(4):
            at = source.randrange(len(stages))
            if stages[at]:
                move(state, source, stages, at)
    return sum(map(len, stages))


def check(state, number, waiting):
    return waiting == state["sent"] - state["received"] and (
        number % 25 or state["bytes"] == sum(len(message.body) for stage in state["stages"]
                                             for message in stage))


if __name__ == "__main__":
    workload.main(work, check, rounds=280, prepare=prepare)
