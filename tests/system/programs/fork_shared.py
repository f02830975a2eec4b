"""The process forks after an isolated sub-interpreter made its heap a shared one, while other threads hold blocks in
their caches. (CPython itself does not survive a fork while a sub-interpreter is alive.)"""
import os
import threading

import subinterpreters
import witness
import work

THREADS, FORKS = 4, 25


def use(number, problems, used, over):
    try:
        made = work.mixed(number, 60)
        used.release()
        over.wait()
        assert work.digest(made) == work.digest(work.mixed(number, 60))
    except BaseException as error:
        problems.append(repr(error))
        used.release()


def in_child():
    witness.must_serve()
    made = {number: str(number) * 3 for number in range(20000)}
    assert all(made[number] == str(number) * 3 for number in made)


def main():
    witness.must_serve()
    interpreter = subinterpreters.Interpreter()
    interpreter.run("made = [str(number) for number in range(1000)]")
    interpreter.close()
    problems, used, over = [], threading.Semaphore(0), threading.Event()
    threads = [threading.Thread(target=use, args=(number, problems, used, over)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
        used.acquire()
    for _ in range(FORKS):
        child = os.fork()
        if child == 0:
            try:
                in_child()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitpid(child, 0)[1] == 0
    over.set()
    for thread in threads:
        thread.join()
    assert not problems, problems
    print("ok")


main()
