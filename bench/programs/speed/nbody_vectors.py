"""Bodies under gravity with an immutable vector class: every operator makes an object, as in
most hand-written geometry, physics and graphics code."""
import random

import workload


class Vector:
    __slots__ = ("x", "y", "z")

    def __init__(self, x, y, z):
        self.x, self.y, self.z = x, y, z

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y, self.z - other.z)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor, self.z * factor)

    def dot(self, other):
        return self.x * other.x + self.y * other.y + self.z * other.z


class Body:
    def __init__(self, place, speed, mass):
        self.place, self.speed, self.mass = place, speed, mass
        self.trail = []


def momentum(bodies):
    total = Vector(0.0, 0.0, 0.0)
    for body in bodies:
        total = total + body.speed * body.mass
    return total


def prepare():
    source = random.Random(5)

    def vector(size):
        return Vector(*(size * (source.random() - 0.5) for _ in range(3)))

    bodies = [Body(vector(100.0), vector(1.0), 1.0 + source.random()) for _ in range(40)]
    return {"bodies": bodies, "momentum": momentum(bodies)}


def work(state, number):
    bodies = state["bodies"]
    for _ in range(5):
        for index, one in enumerate(bodies):
            for other in bodies[index + 1:]:
                apart = one.place - other.place
                pull = 0.01 / (apart.dot(apart) + 1.0) ** 1.5
                one.speed = one.speed - apart * (other.mass * pull)
                other.speed = other.speed + apart * (one.mass * pull)
        for body in bodies:
            body.place = body.place + body.speed * 0.01
            body.trail = body.trail[-200:] + [body.place]
    return momentum(bodies)


def check(state, number, now):
    drift = now - state["momentum"]
    return drift.dot(drift) < 1e-12 and len(state["bodies"][0].trail) > 0


if __name__ == "__main__":
    workload.main(work, check, rounds=350, prepare=prepare)
