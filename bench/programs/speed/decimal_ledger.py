"""Money in decimal arithmetic: invoices with taxes and rounding, exchange and interest, every
figure an object of its own."""
import decimal
import random

import workload

CENT = decimal.Decimal("0.01")


def prepare():
    source = random.Random(14)
    lines = [(source.randrange(1, 40), decimal.Decimal(source.randrange(1, 10 ** 6)) / 100,
              decimal.Decimal(source.choice(["0.19", "0.07", "0.00"]))) for _ in range(900)]
    return {"lines": lines}


def invoice(lines):
    net, taxes = decimal.Decimal(0), {}
    for count, price, rate in lines:
        amount = (count * price).quantize(CENT)
        net += amount
        taxes[rate] = taxes.get(rate, decimal.Decimal(0)) + amount
    due = {rate: (amount * rate).quantize(CENT, decimal.ROUND_HALF_UP)
           for rate, amount in taxes.items()}
    return net, due, net + sum(due.values())


def grow(start, percent, months):
    balances, rate = [start], 1 + decimal.Decimal(percent) / 1200
    for _ in range(months):
        balances.append((balances[-1] * rate).quantize(CENT))
    return balances


def work(state, number):
    lines = state["lines"]
    totals = [invoice(lines[start:start + 30]) for start in range(0, len(lines), 15)]
    plans = [grow(total, "3.75", 60) for _, _, total in totals[::6]]
    with decimal.localcontext() as context:
        context.prec = 60
        root = decimal.Decimal(2 + number).sqrt()
    texts = ["{:>20,.2f}".format(balance) for plan in plans for balance in plan]
    return totals, plans, root, texts


def check(state, number, result):
    totals, plans, root, texts = result
    with decimal.localcontext() as context:
        context.prec = 60
        near = abs(root * root - 2 - number) < decimal.Decimal("1e-50")
    return (near and all(net + sum(due.values()) == total for net, due, total in totals)
            and plans[1] == sorted(plans[1])
            and decimal.Decimal(texts[5].replace(",", "")) == plans[0][5])


if __name__ == "__main__":
    workload.main(work, check, rounds=1400, prepare=prepare)
