"""A document model full of cycles: parents know children and children their parents, whole
trees are made and abandoned, and only the garbage collector can find them."""
import collections
import gc
import random

import workload


class Element:
    def __init__(self, parent, name):
        self.parent, self.name = parent, name
        self.children, self.listeners = [], {}
        self.style = None
        if parent is not None:
            parent.children.append(self)

    def on(self, event, action):
        self.listeners[event] = action


def make_page(source, size):
    page = Element(None, "page")
    elements = [page]
    for number in range(size):
        parent = elements[int(len(elements) * source.random())]
        element = Element(parent, "element%d" % number)
        element.style = {"width": source.random(), "owner": element}
        if number % 4 == 0:
            element.on("click", lambda element=element: element.name)
        elements.append(element)
    return page


def count(element):
    return 1 + sum(count(child) for child in element.children)


def prepare():
    source = random.Random(13)
    return {"source": source, "open": collections.deque((make_page(source, 2000)
                                                         for _ in range(4)), maxlen=4)}


def work(state, number):
    page = make_page(state["source"], 2000)
    state["open"].append(page)
    clicked = [child.listeners["click"]() for child in page.children if child.listeners]
    if number % 20 == 19:
        gc.collect()
    return page, clicked


def check(state, number, result):
    page, clicked = result
    return count(page) == 2001 and all(name.startswith("element") for name in clicked)


if __name__ == "__main__":
    workload.main(work, check, rounds=200, prepare=prepare)
