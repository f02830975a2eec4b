"""XML both ways with ElementTree: a catalogue is parsed, searched, changed and written, the
daily life of feeds, office documents and SOAP."""
import random
import xml.etree.ElementTree as ElementTree

import workload


def make_catalogue(source, size):
    lines = ["<catalogue>"]
    for number in range(size):
        lines.append('<item id="i%d" price="%.2f"><title>Title %d %s</title>' % (
            number, source.random() * 50, number, "x" * source.randrange(30)))
        for part in range(source.randrange(5)):
            lines.append('<part ref="p%d">text &amp; tail</part> tail' % (number + part))
        lines.append("<empty/></item>")
    lines.append("</catalogue>")
    return "\n".join(lines)


def prepare():
    source = random.Random(4)
    return {"texts": [make_catalogue(source, size) for size in (5, 40, 300, 2500)]}


def work(state, number):
    written = []
    for text in state["texts"]:
        root = ElementTree.fromstring(text)
        for item in root.findall("item"):
            item.set("seen", str(number))
            for part in list(item.iter("part"))[2:]:
                item.remove(part)
        written.append(ElementTree.tostring(root))
    return written


def check(state, number, written):
    return all(out.count(b"<item ") == text.count("<item ")
               and out.count(b'seen="%d"' % number) == text.count("<item ")
               for out, text in zip(written, state["texts"]))


if __name__ == "__main__":
    workload.main(work, check, rounds=38, prepare=prepare)
