"""Float work on lists of lists: relaxation on a grid, a matrix product and statistics over
columns, the way numbers are handled where no array library is at hand."""
import math
import random

import workload


def prepare():
    source = random.Random(6)
    grid = [[0.0] * 80 for _ in range(80)]
    grid[0] = [100.0] * 80
    turn = [[source.random() for _ in range(40)] for _ in range(40)]
    return {"grid": grid, "turn": turn}


def relax(grid):
    new = [grid[0]]
    for above, row, below in zip(grid, grid[1:], grid[2:]):
        new.append([row[0]] + [(row[x - 1] + row[x + 1] + above[x] + below[x]) * 0.25
                               for x in range(1, len(row) - 1)] + [row[-1]])
    new.append(grid[-1])
    return new


def product(a, b):
    columns = list(zip(*b))
    return [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]


def spread(columns):
    result = []
    for column in columns:
        mean = math.fsum(column) / len(column)
        result.append((mean, math.sqrt(math.fsum((x - mean) ** 2 for x in column))))
    return result


def work(state, number):
    for _ in range(6):
        state["grid"] = relax(state["grid"])
    square = product(state["turn"], state["turn"])
    return state["grid"], square, spread(zip(*state["grid"]))


def check(state, number, result):
    grid, square, columns = result
    turn = state["turn"]
    wanted = sum(turn[3][k] * turn[k][5] for k in range(len(turn)))
    return (grid[0] == [100.0] * 80 and 0.0 < grid[1][40] < 100.0
            and abs(square[3][5] - wanted) < 1e-9 and len(columns) == 80)


if __name__ == "__main__":
    workload.main(work, check, rounds=230, prepare=prepare)
