"""A process with known things in its memory, for `neap map`: says `ready`, then waits to be ended.

    furnish.py [threads=N] [arrays] [malloc=MIB] [stop]
"""
import os
import signal
import sys
import threading
import time

options = dict(word.partition("=")[::2] for word in sys.argv[1:])
kept = [{"n": n, "text": "text %d" % n} for n in range(30000)]
del kept[::3]
for n in range(int(options.get("threads", 0))):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True, name="idle-%d" % n).start()
if "arrays" in options:
    import numpy

    arrays = [numpy.ones((1000, 1000)), numpy.ones(100)]
    product = arrays[0] @ arrays[0]
if "malloc" in options:
    block = bytearray(b"x") * (int(options["malloc"]) << 20)
print("ready", flush=True)
if "stop" in options:
    os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(1000)
