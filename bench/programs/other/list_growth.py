"""A list and a bytearray grow to ten million elements, an append at a time.

    list_growth.py [--elements N]

Between appends, small objects are made, as a program does that fills a list with something:
the list cannot grow where it lies. Prints one line: seconds, page faults and peak KiB of the
growing alone.
"""
import json
import resource
import sys
import time


def grow(count):
    things, text = [], bytearray()
    append, extend = things.append, text.extend
    word = b"0123456789"
    for number in range(count // 10):
        append(number), append(None), append(number), append(None), append(None)
        append(None), append(number), append(None), append(None), append(number)
        extend(word)
    return things, text


def main():
    arguments = sys.argv[1:]
    if arguments and (len(arguments) != 2 or arguments[0] != "--elements"):
        sys.exit("usage: list_growth.py [--elements N]")
    count = int(arguments[1]) if arguments else 10_000_000
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.perf_counter()
    things, text = grow(count)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    if len(things) != count or len(text) != count or things[-1] != count // 10 - 1:
        sys.exit("list_growth: the result is wrong")
    print(json.dumps({"busy_s": took, "faults": after.ru_minflt - before.ru_minflt,
                      "system_s": after.ru_stime - before.ru_stime, "peak_kb": after.ru_maxrss}))


if __name__ == "__main__":
    main()
