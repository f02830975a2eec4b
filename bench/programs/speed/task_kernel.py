"""An object-oriented simulation of an operating system's scheduler: tasks with private state
pass packets to one another through queues, small methods and attributes all the way."""
import workload


class Packet:
    def __init__(self, kind, owner, payload):
        self.kind, self.owner, self.payload = kind, owner, payload
        self.hops = 0


class Task:
    def __init__(self, kernel, name, weight):
        self.kernel, self.name, self.weight = kernel, name, weight
        self.inbox, self.done = [], 0

    def ready(self):
        return bool(self.inbox)

    def step(self):
        packet = self.inbox.pop(0)
        packet.hops += 1
        self.done += 1
        self.handle(packet)


class Device(Task):
    def handle(self, packet):
        reply = Packet("reply", packet.owner, packet.payload + [self.name])
        self.kernel.send(packet.owner, reply)


class Worker(Task):
    def __init__(self, kernel, name, weight, device, budget):
        super().__init__(kernel, name, weight)
        self.device, self.budget = device, budget
        self.log = {}

    def handle(self, packet):
        self.log[self.done] = (packet.kind, len(packet.payload))
        if len(self.log) > 60:
            self.log = {}
        if self.budget:
            self.budget -= 1
            keep = packet.payload[-3:]
            self.kernel.send(self.device, Packet("ask", self.name, keep + [self.budget * 1.0]))


class Kernel:
    def __init__(self):
        self.tasks = {}

    def add(self, task):
        self.tasks[task.name] = task

    def send(self, name, packet):
        self.tasks[name].inbox.append(packet)

    def run(self):
        steps = 0
        ready = True
        while ready:
            ready = [task for task in self.tasks.values() if task.ready()]
            for task in sorted(ready, key=lambda task: (-task.weight, task.name)):
                task.step()
                steps += 1
        return steps


def work(state, number):
    kernel = Kernel()
    for device in range(5):
        kernel.add(Device(kernel, "device%d" % device, 10 + device))
    for worker in range(60):
        name = "worker%d" % worker
        kernel.add(Worker(kernel, name, worker % 7, "device%d" % (worker % 5), 120))
        kernel.send(name, Packet("begin", name, []))
    return kernel.run()


def check(state, number, steps):
    return steps == 60 * (1 + 2 * 120)


if __name__ == "__main__":
    workload.main(work, check, rounds=88)
