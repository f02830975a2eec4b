"""A small interpreter for a functional language: environments, closures and cons cells that
live from one call to the whole program, as in rule engines and configuration languages."""
import workload

PROGRAM = """
(define (range a b) (if (< a b) (cons a (range (+ a 1) b)) nil))
(define (map f l) (if (null l) nil (cons (f (car l)) (map f (cdr l)))))
(define (fold f s l) (if (null l) s (fold f (f s (car l)) (cdr l))))
(define (fib n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))
(define (compose f g) (lambda (x) (f (g x))))
(fold + 0 (map (compose (lambda (x) (* x x)) (lambda (x) (+ x 1))) (range 0 40)))
(fib 11)
"""


class Scope(dict):
    def __init__(self, names, values, outer):
        super().__init__(zip(names, values))
        self.outer = outer

    def find(self, name):
        scope = self
        while name not in scope:
            scope = scope.outer
        return scope[name]


class Closure:
    def __init__(self, names, body, scope):
        self.names, self.body, self.scope = names, body, scope

    def __call__(self, *values):
        return evaluate(self.body, Scope(self.names, values, self.scope))


def read(text):
    stack = [[]]
    for token in text.replace("(", " ( ").replace(")", " ) ").split():
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(int(token) if token.lstrip("-").isdigit() else token)
    return stack[0]


def evaluate(form, scope):
    if isinstance(form, str):
        return scope.find(form)
    if isinstance(form, int):
        return form
    head = form[0]
    if head == "if":
        return evaluate(form[2] if evaluate(form[1], scope) else form[3], scope)
    if head == "lambda":
        return Closure(form[1], form[2], scope)
    if head == "define":
        scope[form[1][0]] = Closure(form[1][1:], form[2], scope)
        return None
    return evaluate(head, scope)(*[evaluate(part, scope) for part in form[1:]])


BASE = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
        "<": lambda a, b: a < b, "cons": lambda a, b: (a, b), "car": lambda cell: cell[0],
        "cdr": lambda cell: cell[1], "null": lambda cell: cell is None, "nil": None}


def work(state, number):
    scope = Scope(BASE.keys(), BASE.values(), None)
    return [evaluate(form, scope) for form in read(PROGRAM)][-2:]


def check(state, number, values):
    return values == [sum(x * x for x in range(1, 41)), 89]


if __name__ == "__main__":
    workload.main(work, check, rounds=720)
