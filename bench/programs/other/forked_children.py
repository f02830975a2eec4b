"""A parent of 500 MB and eight children forked from it that do nothing after one garbage
collection each: how much of the parent's memory has become their own? A prefork server.

    forked_children.py [--scale X] [--children N]

Each child tells its Private_Dirty once it has been idle for a second and a half.
"""
import gc
import json
import os
import sys
import time

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import probe  # noqa: E402  (it lies one folder up)

IDLE_S = 1.5


class Product:
    def __init__(self, number):
        self.number = number
        self.title = "product %d " % number + "t" * (number % 90)
        self.prices = [number * 0.01, number * 0.02]
        self.labels = {"a%d" % (number % 50): number, "b": self.title[:9]}
        self.picture = b"p" * (number * 7919 % 1500)


def child(report):
    gc.collect()
    time.sleep(IDLE_S)
    figures = probe.kernel_figures()
    os.write(report, json.dumps(figures).encode() + b"\n")
    os._exit(0)


def main():
    chosen = probe.options(sys.argv[1:], {"scale": 1.0, "children": 8})
    shop = [Product(number) for number in range(int(315000 * chosen["scale"]))]
    gc.collect()
    parent_kb = probe.kernel_figures()["rss_kb"]
    reader, writer = os.pipe()
    children = []
    for _ in range(chosen["children"]):
        pid = os.fork()
        if pid == 0:
            child(writer)
        children.append(pid)
    os.close(writer)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    with os.fdopen(reader) as lines:
        private_kb = [json.loads(line)["private_dirty_kb"] for line in lines]
    assert len(shop) == int(315000 * chosen["scale"])
    if any(statuses) or len(private_kb) != chosen["children"]:
        sys.exit("forked_children: %d of the children failed" % sum(map(bool, statuses)))
    print(json.dumps({"parent_kb": parent_kb, "children": len(private_kb),
                      "private_dirty_kb": sum(private_kb)}))


if __name__ == "__main__":
    main()
