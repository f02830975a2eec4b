"""Takes what it is asked for, line by line, so that a test can look at the process in between.

    burst MIB   makes small objects            array MIB   makes one numpy array
    string MIB  makes one bytes object         drop        drops all, collects
    sleep S     sleeps, then answers           pid         answers with the pid
Each line is answered with "done" (or the pid) once it has been carried out.
"""
import gc
import os
import sys
import time

import witness
import work


def main():
    witness.must_serve()
    held = []
    for line in iter(sys.stdin.readline, ""):
        verb, _, amount = line.strip().partition(" ")
        answer = "done"
        if verb == "burst":
            held.append(work.burst(int(amount)))
        elif verb == "string":
            held.append(b"x" * (int(amount) << 20))
        elif verb == "array":
            import numpy
            held.append(numpy.ones(int(amount) << 17))
        elif verb == "drop":
            held.clear()
            gc.collect()
        elif verb == "sleep":
            time.sleep(float(amount))
        elif verb == "pid":
            answer = os.getpid()
        else:
            answer = "unknown"
        print(answer, flush=True)


main()
