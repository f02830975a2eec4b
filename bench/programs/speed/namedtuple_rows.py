"""Rows as tuples and named tuples: sorted, grouped, sliced and rebuilt, the working form of
query results and parsed files."""
import collections
import itertools
import operator
import random

import workload

Trade = collections.namedtuple("Trade", "symbol side price size time")
Bar = collections.namedtuple("Bar", "symbol low high volume count")


def prepare():
    source = random.Random(15)
    return {"source": source, "bars": collections.deque(maxlen=30)}


def make_trades(source, count):
    return [Trade("S%02d" % source.randrange(40), "buy" if source.random() < 0.5 else "sell",
                  100 + source.random(), source.randrange(1, 500), number * 0.25)
            for number in range(count)]


def bars(trades):
    by_symbol = sorted(trades, key=operator.attrgetter("symbol", "time"))
    for symbol, group in itertools.groupby(by_symbol, key=operator.itemgetter(0)):
        rows = tuple(group)
        prices = tuple(row.price for row in rows)
        yield Bar(symbol, min(prices), max(prices), sum(row.size for row in rows), len(rows))


def work(state, number):
    trades = make_trades(state["source"], 4000)
    fixed = [trade._replace(price=round(trade.price, 2)) for trade in trades]
    pairs = [(first, second, second.time - first.time)
             for first, second in zip(fixed, fixed[1:]) if first.symbol == second.symbol]
    made = list(bars(fixed))
    state["bars"].append((made, pairs))
    return fixed, made, pairs


def check(state, number, result):
    fixed, made, pairs = result
    return (sum(bar.volume for bar in made) == sum(trade.size for trade in fixed)
            and sum(bar.count for bar in made) == 4000
            and all(after > 0 for _, _, after in pairs))


if __name__ == "__main__":
    workload.main(work, check, rounds=120, prepare=prepare)
