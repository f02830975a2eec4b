"""Dataclasses, frozen and not, made, compared, replaced and sorted: a ledger of accounts whose
entries are immutable and whose states are not."""
import dataclasses
import random
import typing

import workload


@dataclasses.dataclass(frozen=True, order=True)
class Entry:
    day: int
    amount: int
    memo: str = dataclasses.field(compare=False, default="")


@dataclasses.dataclass
class Account:
    name: str
    balance: int = 0
    entries: typing.List[Entry] = dataclasses.field(default_factory=list)

    def book(self, entry):
        self.entries.append(entry)
        self.balance += entry.amount


def prepare():
    return {"source": random.Random(11)}


def work(state, number):
    source = state["source"]
    accounts = [Account("account %d" % index) for index in range(120)]
    for day in range(1600):
        amount = source.randrange(1, 9999)
        giver, taker = source.randrange(120), source.randrange(120)
        entry = Entry(day, -amount, "to %s" % accounts[taker].name)
        accounts[giver].book(entry)
        accounts[taker].book(dataclasses.replace(entry, amount=amount, memo=""))
    for account in accounts:
        account.entries = sorted(account.entries, reverse=True)[:20]
    statement = [dataclasses.asdict(account) for account in accounts[:20]]
    return accounts, statement


def check(state, number, result):
    accounts, statement = result
    return (sum(account.balance for account in accounts) == 0
            and statement[3]["balance"] == accounts[3].balance
            and accounts[5].entries == sorted(accounts[5].entries, reverse=True))


if __name__ == "__main__":
    workload.main(work, check, rounds=240, prepare=prepare)
