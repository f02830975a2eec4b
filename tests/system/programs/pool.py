"""A multiprocessing pool: pool.py fork|forkserver|spawn. Every worker must be under Neap."""
import multiprocessing
import os
import sys

import witness
import work


def task(seed):
    witness.must_serve()
    made = work.mixed(seed, 400)
    return os.getpid(), work.digest(made), made[3::50]


def main(method):
    witness.must_serve()
    context = multiprocessing.get_context(method)
    with context.Pool(3, maxtasksperchild=8) as pool:
        results = pool.map(task, [seed % 6 for seed in range(60)], chunksize=2)
    for number, (_, digest, part) in enumerate(results):
        made = work.mixed(number % 6, 400)
        assert digest == work.digest(made) and part == made[3::50], number
    assert len({pid for pid, _, _ in results} - {os.getpid()}) > 3, "no worker was recycled"
    print("ok")


if __name__ == "__main__":
    main(sys.argv[1])
