"""Eight threads work side by side, each gathering results of its own; when all are done the
totals stay and the threads and their results go."""
import threading
import zlib

import probe

WORKERS = 8


def results(worker, count):
    state = worker + 1
    for number in range(count):
        state = (state * 1103515245 + 12345) % 2 ** 31
        yield {"task": number, "value": state / 7.0, "text": "w%d:%d" % (worker, state),
               "parts": [state % 11, str(state % 1013)]}


def total(rows):
    count = value = 0
    for row in rows:
        count += 1
        value += int(row["value"])
    return count, value


def full(scale, peak):
    share = int(24000 * scale)
    gathered = [None] * WORKERS
    totals = {}

    def run(worker):
        gathered[worker] = list(results(worker, share))
        totals[worker] = total(gathered[worker])

    threads = [threading.Thread(target=run, args=(worker,)) for worker in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    peak()
    return totals


def kept_only(scale):
    return {worker: total(results(worker, int(24000 * scale))) for worker in range(WORKERS)}


def digest(kept):
    return zlib.crc32(repr(sorted(kept.items())).encode())


if __name__ == "__main__":
    probe.main(full, kept_only, digest)
