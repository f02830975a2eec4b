"""Fills pools of many sizes, thins them out, has CPython print its statistics, and stops itself at once.

Between the statistics and the signal nothing is allocated: what is read from outside while the process
stands still must be equal.
"""
import gc
import os
import random
import signal
import sys

random.seed(int(sys.argv[1]))
kept = [str(random.random()) for _ in range(60000)] + [bytes(size) for size in range(480) for _ in range(40)]
random.shuffle(kept)
del kept[: len(kept) * 2 // 3]
kept += [[i, (i,)] for i in range(random.randrange(20000))]
gc.collect()
gc.disable()
kill, pid, stop = os.kill, os.getpid(), signal.SIGSTOP
sys._debugmallocstats()
kill(pid, stop)
