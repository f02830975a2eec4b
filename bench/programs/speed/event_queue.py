"""A discrete event simulation of a hospital on one priority queue: patients come, wait, are
treated and leave; events and people of all lifetimes."""
import heapq
import itertools
import random

import workload


class Patient:
    def __init__(self, number, urgency, at):
        self.number, self.urgency, self.came = number, urgency, at
        self.notes = ["came at %.3f" % at]


class Hospital:
    def __init__(self, seed, doctors):
        self.source = random.Random(seed)
        self.events, self.waiting = [], []
        self.ticket = itertools.count()
        self.free = doctors
        self.gone = []

    def at(self, time, action, *details):
        heapq.heappush(self.events, (time, next(self.ticket), action, details))

    def come(self, now, number):
        patient = Patient(number, self.source.randrange(5), now)
        heapq.heappush(self.waiting, (patient.urgency, next(self.ticket), patient))
        self.serve(now)

    def serve(self, now):
        while self.free and self.waiting:
            patient = heapq.heappop(self.waiting)[2]
            self.free -= 1
            patient.notes.append({"seen": now, "waited": now - patient.came})
            self.at(now + self.source.expovariate(1.0), self.leave, patient)

    def leave(self, now, patient):
        self.free += 1
        if self.source.random() < 0.2:
            self.at(now + 5 + self.source.random(), self.come, patient.number)
        else:
            self.gone.append((patient.number, now - patient.came, len(patient.notes)))
        self.serve(now)

    def run(self):
        while self.events:
            now, _, action, details = heapq.heappop(self.events)
            action(now, *details)


def work(state, number):
    hospital = Hospital(number, doctors=12)
    for patient in range(2500):
        hospital.at(patient * 0.09 + hospital.source.random(), hospital.come, patient)
    hospital.run()
    return hospital


def check(state, number, hospital):
    return (sorted(entry[0] for entry in hospital.gone) == list(range(2500))
            and hospital.free == 12 and not hospital.waiting)


if __name__ == "__main__":
    workload.main(work, check, rounds=130)
