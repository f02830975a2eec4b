"""Takes a burst of memory, drops it, and goes on for a while: what `neap compare` is for.

    burst.py [MILLISECONDS]     how long it goes on; 600
"""
import gc
import random
import sys
import time

burst = [str(random.random()) for _ in range(300_000)]
burst = burst[:50]
gc.collect()
print("dropped")
time.sleep(int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.6)
