"""Source code through the tokenizer, the parser, a tree rewriter and the compiler: what
linters, formatters, template engines and test runners do to every file."""
import ast
import io
import tokenize

import workload

FUNCTION = '''
def function_{n}(items, limit={n}, *rest, **named):
    """Adds up what is below the limit."""
    total, names = 0, []
    for index, item in enumerate(items):
        if item < limit and not index % 3:
            total += item * 2 - {n}
        elif isinstance(item, (int, float)):
            names.append("item %d is %r" % (index, item))
        else:
            try:
                total -= int(item["value"][0].strip())
            except (KeyError, ValueError) as error:
                names += [str(error), f"{{index}}: {{item!r}}"]
    return {{"total": total, "names": [name for name in names if name], "rest": rest}}
'''


class Doubler(ast.NodeTransformer):
    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Sub):
            node.op = ast.Add()
        return node


def prepare():
    return {"sources": ["".join(FUNCTION.format(n=number) for number in range(size))
                        for size in (1, 2, 4, 8, 20)]}


def work(state, number):
    totals, names = [], 0
    for source in state["sources"]:
        names += sum(1 for token in tokenize.generate_tokens(io.StringIO(source).readline)
                     if token.type == tokenize.NAME and token.string == "def")
        tree = ast.fix_missing_locations(Doubler().visit(ast.parse(source)))
        space = {}
        exec(compile(tree, "<made>", "exec"), space)
        totals.append(space["function_0"]([-4, 9, "7"[:0] or 8])["total"])
    return totals, names


def check(state, number, result):
    return result == ([-8] * 5, 35)


if __name__ == "__main__":
    workload.main(work, check, rounds=55, prepare=prepare)
