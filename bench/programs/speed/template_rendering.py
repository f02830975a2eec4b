"""Web pages rendered through a small template language, compiled to closures: escaping,
loops, conditions and thousands of fragments joined into one page."""
import html
import random
import re

import workload

PAGE = """<html><title>{title}</title><ul>
{% for item in items %}<li class="{item.kind}">{item.name} {% if item.cheap %}<b>only</b> {% end %}
{item.price}<ol>{% for tag in item.tags %}<i>{tag}</i>{% end %}</ol></li>
{% end %}</ul><footer>{title} has {count} items</footer></html>"""
TOKEN = re.compile(r"({%.*?%}|{[\w.]+})")


def compile_template(text):
    pieces = iter(TOKEN.split(text))
    return parse(pieces)


def lookup(name):
    first, *rest = name.split(".")

    def value(names):
        found = names[first]
        for part in rest:
            found = found[part]
        return found
    return value


def parse(pieces):
    steps = []
    for piece in pieces:
        words = piece[2:-2].split() if piece.startswith("{%") else []
        if words[:1] == ["end"]:
            break
        if words[:1] == ["for"]:
            steps.append(loop(words[1], lookup(words[3]), parse(pieces)))
        elif words[:1] == ["if"]:
            steps.append(condition(lookup(words[1]), parse(pieces)))
        elif TOKEN.fullmatch(piece):
            steps.append(lambda names, out, get=lookup(piece[1:-1]):
                         out.append(html.escape(str(get(names)))))
        else:
            steps.append(lambda names, out, piece=piece: out.append(piece))
    return steps


def loop(variable, items, body):
    def step(names, out):
        for item in items(names):
            inner = dict(names)
            inner[variable] = item
            for part in body:
                part(inner, out)
    return step


def condition(test, body):
    def step(names, out):
        if test(names):
            for part in body:
                part(names, out)
    return step


def render(template, names):
    out = []
    for step in template:
        step(names, out)
    return "".join(out)


def prepare():
    source = random.Random(21)
    items = [{"kind": "k%d" % (number % 5), "name": "Item <%d>" % number,
              "price": "%.2f" % (source.random() * 99), "cheap": number % 3 == 0,
              "tags": ["t&%d" % source.randrange(99) for _ in range(source.randrange(6))]}
             for number in range(400)]
    return {"items": items}


def work(state, number):
    template = compile_template(PAGE)
    pages = []
    for size in (5, 20, 80, 150):
        items = state["items"][number % 200:number % 200 + size]
        pages.append(render(template, {"title": "Page & %d" % number, "items": items,
                                       "count": len(items)}))
    return pages


def check(state, number, pages):
    return all(page.count("<li ") == size and "Page &amp; %d has %d items" % (number, size) in page
               and "&lt;%d&gt;" % (number % 200) in page
               for page, size in zip(pages, (5, 20, 80, 150)))


if __name__ == "__main__":
    workload.main(work, check, rounds=1500, prepare=prepare)
