"""What it costs that sparse pages share memory: mappings, stops of the threads, and the time of a fork.

    neap run python3 bench/programs/other/mesh_cost.py NEAP [--keep 10%] [--strings N] [--seconds 5]

NEAP is the program `neap`, which is asked about this process. A million strings are made and a share of them is
kept. Seconds later one line is printed: mappings of the process, stops, milliseconds of all stops and of the longest,
and the milliseconds of a fork (the median of 30, in the parent). With NEAP_MESH=0 it is the same without meshing.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import time


def fork_ms():
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    took = time.perf_counter() - began
    os.waitpid(pid, 0)
    return took * 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("neap")
    parser.add_argument("--keep", default="10%", type=lambda text: float(text.rstrip("%")) / 100)
    parser.add_argument("--strings", default=1_000_000, type=int)
    parser.add_argument("--seconds", default=5.0, type=float)
    options = parser.parse_args()
    random.seed(1)
    kept = [str(random.random()) for _ in range(options.strings)]
    kept = [text for text in kept if random.random() < options.keep]
    time.sleep(options.seconds)
    told = subprocess.run([options.neap, "stat", "--json", str(os.getpid())], stdout=subprocess.PIPE, check=True).stdout
    meshing = json.loads(told)["meshing"]
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        mappings = sum(1 for _ in maps)
    print(json.dumps({"kept": len(kept), "mappings": mappings, "stops": meshing["stops"], "stops_ms": meshing["stop_ns"] / 1e6,
                      "longest_ms": meshing["longest_stop_ns"] / 1e6,
                      "fork_ms": statistics.median(fork_ms() for _ in range(30))}))


if __name__ == "__main__":
    main()
