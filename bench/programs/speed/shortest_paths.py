"""Shortest paths over a road map with a priority queue of tuples: route planning, where the
queue's entries live from one step to a whole search."""
import heapq
import random

import workload


def prepare():
    source = random.Random(19)
    side = 45
    roads = {}
    for x in range(side):
        for y in range(side):
            for other in ((x + 1, y), (x, y + 1), (x + source.randrange(-3, 4), y + 1)):
                if 0 <= other[0] < side and other[1] < side:
                    length = 1.0 + source.random() * 9
                    roads.setdefault((x, y), []).append((other, length))
                    roads.setdefault(other, []).append(((x, y), length))
    return {"roads": roads, "towns": sorted(roads)}


def distances(roads, start):
    known, queue = {}, [(0.0, start, None)]
    while queue:
        far, town, before = heapq.heappop(queue)
        if town in known:
            continue
        known[town] = (far, before)
        for other, length in roads[town]:
            if other not in known:
                heapq.heappush(queue, (far + length, other, town))
    return known


def route(known, town):
    path = []
    while town is not None:
        path.append(town)
        town = known[town][1]
    return path[::-1]


def work(state, number):
    towns = state["towns"]
    start, goal = towns[number * 37 % len(towns)], towns[number * 101 % len(towns)]
    there, back = distances(state["roads"], start), distances(state["roads"], goal)
    return start, goal, there, back, [route(there, town) for town in towns[::50]]


def check(state, number, result):
    start, goal, there, back, routes = result
    return (abs(there[goal][0] - back[start][0]) < 1e-9 and len(there) == len(state["towns"])
            and all(path[0] == start for path in routes))


if __name__ == "__main__":
    workload.main(work, check, rounds=200, prepare=prepare)
