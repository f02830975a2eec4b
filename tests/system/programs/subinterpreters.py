"""Four isolated sub-interpreters in four threads, each with a GIL of its own, made, used and ended
again and again: subinterpreters.py ROUNDS. All of them call the same heap at the same time."""
import os
import sys
import threading

import witness

HERE = os.path.dirname(os.path.abspath(__file__))
BODY = """
import sys
sys.path.insert(0, %r)
kept = []
for round in range(12):
    made = [bytes([seed]) * (size %% 3000) for seed, size in ((%d + i %% 7, i * 37) for i in range(1500))]
    table = {str(i): [i] * (i %% 30) for i in range(1500)}
    kept.append(made[::11])
    for i, data in enumerate(made):
        if data != bytes([%d + i %% 7]) * (i * 37 %% 3000):
            raise AssertionError("damaged")
    if any(table[str(i)] != [i] * (i %% 30) for i in range(1500)):
        raise AssertionError("damaged")
    del made, table
    if len(kept) > 4:
        del kept[0]
"""


class Interpreter:
    """One isolated sub-interpreter, by whichever module this version has for it."""

    def __init__(self):
        if sys.version_info >= (3, 14):
            from concurrent import interpreters
            self.own = interpreters.create()
        elif sys.version_info >= (3, 13):
            import _interpreters
            self.own = _interpreters.create("isolated")
        else:
            import _xxsubinterpreters
            self.own = _xxsubinterpreters.create(isolated=True)

    def run(self, text):
        if sys.version_info >= (3, 14):
            self.own.exec(text)
        elif sys.version_info >= (3, 13):
            import _interpreters
            failure = _interpreters.exec(self.own, text)
            if failure is not None:
                raise RuntimeError(str(failure))
        else:
            import _xxsubinterpreters
            _xxsubinterpreters.run_string(self.own, text)

    def close(self):
        if sys.version_info >= (3, 14):
            self.own.close()
        elif sys.version_info >= (3, 13):
            import _interpreters
            _interpreters.destroy(self.own)
        else:
            import _xxsubinterpreters
            _xxsubinterpreters.destroy(self.own)


def worker(number, rounds, finished, problems):
    try:
        for _ in range(rounds):
            interpreter = Interpreter()
            interpreter.run(BODY % (HERE, number * 10, number * 10))
            interpreter.close()
            finished.append(number)
    except BaseException as error:
        problems.append("thread %d: %r" % (number, error))


def main(rounds):
    witness.must_serve()
    finished, problems = [], []
    threads = [threading.Thread(target=worker, args=(number, rounds, finished, problems)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems
    assert len(finished) == 4 * rounds, finished
    witness.must_serve()
    print("ok")


if __name__ == "__main__":
    main(int(sys.argv[1]))
