"""Fifty threads allocate, hand objects to each other and drop what others made."""
import queue
import threading

import witness
import work

THREADS = 50


def worker(number, own, others, problems):
    try:
        for turn in range(6):
            made = work.mixed(number, 120)
            others[(number + turn) % THREADS].put((number, made))
            sender, received = own.get(timeout=60)
            if work.digest(received) != work.digest(work.mixed(sender, 120)):
                problems.append("thread %d: objects of %d damaged" % (number, sender))
            del made, received
    except BaseException as error:
        problems.append("thread %d: %r" % (number, error))
        raise


def main():
    witness.must_serve()
    queues = [queue.Queue() for _ in range(THREADS)]
    problems = []
    threads = [threading.Thread(target=worker, args=(number, queues[number], queues, problems))
               for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    print("ok")


main()
