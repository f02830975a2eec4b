"""Trees of asyncio tasks that wait for one another, with queues and futures between them: the
allocations of an asynchronous server without its sockets."""
import asyncio
import random

import workload


async def leaf(source, queue):
    if source.random() < 0.3:
        await asyncio.sleep(0)
    await queue.put({"value": 1, "path": [source.random()] * source.randrange(4)})
    return 1


async def node(source, queue, depth):
    if depth == 0:
        return await leaf(source, queue)
    children = [asyncio.ensure_future(node(source, queue, depth - 1)) for _ in range(5)]
    return sum(await asyncio.gather(*children))


async def drain(queue, count):
    total = 0
    for _ in range(count):
        message = await queue.get()
        total += message["value"]
    return total


async def tree(seed, depth):
    queue = asyncio.Queue()
    source = random.Random(seed)
    reader = asyncio.ensure_future(drain(queue, 5 ** depth))
    return await node(source, queue, depth), await reader


def work(state, number):
    return asyncio.run(tree(number, 4))


def check(state, number, counts):
    return counts == (625, 625)


if __name__ == "__main__":
    workload.main(work, check, rounds=210)
