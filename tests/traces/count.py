#!/usr/bin/env python3
"""count.py - the faults of a lackey trace, by models of their own.

    xzcat examples/ls.lackey.xz | tests/traces/count.py >tests/traces/ls.counts

One line for each policy and size: POLICY FRAMES FAULTS. A reference to bytes in two pages is two
accesses. Nothing of vasfs is used.
"""
import re
import sys

FRAMES = (4, 8, 16, 32, 64, 128, 256)
LINE = re.compile(r"^(?:I | [LSM]) +([0-9a-fA-F]+),(\d+)$")


def pages(lines):
    """The numbers of the pages that the trace accesses, in order."""
    string = []
    for line in lines:
        match = LINE.match(line.rstrip("\n"))
        if match:
            first, length = int(match[1], 16), int(match[2])
            string.extend(range(first >> 12, ((first + length - 1) >> 12) + 1))
        elif not line.startswith("=="):
            sys.exit(f"not a line of lackey: {line!r}")
    return string


def fifo(string, frames):
    memory, faults = {}, 0  # a dict keeps the order of insertion
    for page in string:
        if page not in memory:
            faults += 1
            if len(memory) == frames:
                del memory[next(iter(memory))]
            memory[page] = True
    return faults


def lru(string, frames):
    memory, faults = {}, 0
    for page in string:
        if memory.pop(page, None) is None:
            faults += 1
            if len(memory) == frames:
                del memory[next(iter(memory))]
        memory[page] = True
    return faults


def mru(string, frames):
    memory, faults = {}, 0
    for page in string:
        if memory.pop(page, None) is None:
            faults += 1
            if len(memory) == frames:
                memory.popitem()  # the newest
        memory[page] = True
    return faults


def second_chance(string, frames, at_load):
    queue, bit, faults = [], {}, 0
    for page in string:
        if page in bit:
            bit[page] = True
            continue
        faults += 1
        while len(queue) == frames:
            head = queue.pop(0)
            if bit[head]:
                bit[head] = False
                queue.append(head)
            else:
                del bit[head]
        queue.append(page)
        bit[page] = at_load
    return faults


def clock(string, frames):
    return second_chance(string, frames, True)


def clock0(string, frames):
    return second_chance(string, frames, False)


def sieve(string, frames):
    queue, bit, hand, faults = [], {}, 0, 0  # queue[0] is the oldest
    for page in string:
        if page in bit:
            bit[page] = True
            continue
        faults += 1
        if len(queue) == frames:
            while bit[queue[hand]]:
                bit[queue[hand]] = False
                hand = (hand + 1) % frames
            del bit[queue.pop(hand)]
            # The hand stays at what is newer than the victim; behind the newest it starts again.
            if hand == len(queue):
                hand = 0
        queue.append(page)
        bit[page] = False
    return faults


def opt(string, frames):
    next_use, later = [0] * len(string), {}
    for i in range(len(string) - 1, -1, -1):
        next_use[i] = later.get(string[i], len(string))
        later[string[i]] = i
    memory, faults = {}, 0
    for page, use in zip(string, next_use):
        if page not in memory:
            faults += 1
            if len(memory) == frames:
                del memory[max(memory, key=memory.get)]
        memory[page] = use
    return faults


def lfu(string, frames):
    memory, faults = {}, 0  # page: [uses, time of loading]
    for page in string:
        if page in memory:
            memory[page][0] += 1
            continue
        faults += 1
        if len(memory) == frames:
            del memory[min(memory, key=memory.get)]
        memory[page] = [1, faults]
    return faults


def oldest(ordered):
    return next(iter(ordered))


def move(source, target):
    page = oldest(source)
    del source[page]
    target[page] = True


def arc(string, c):
    t1, t2, b1, b2, p, faults = {}, {}, {}, {}, 0.0, 0

    def replace(from_b2):
        if t1 and (len(t1) > p or (from_b2 and len(t1) == p)) or not t2:
            move(t1, b1)
        else:
            move(t2, b2)

    for page in string:
        if page in t1 or page in t2:
            t1.pop(page, None), t2.pop(page, None)
            t2[page] = True
            continue
        faults += 1
        if page in b1:
            p = min(p + max(1, len(b2) / len(b1)), c)
            replace(False)
            del b1[page]
            t2[page] = True
        elif page in b2:
            p = max(p - max(1, len(b1) / len(b2)), 0)
            replace(True)
            del b2[page]
            t2[page] = True
        else:
            if len(t1) + len(b1) == c:
                if b1:
                    del b1[oldest(b1)]
                    replace(False)
                else:
                    del t1[oldest(t1)]
            elif len(t1) + len(t2) + len(b1) + len(b2) >= c:
                if len(t1) + len(t2) + len(b1) + len(b2) == 2 * c:
                    del b2[oldest(b2)]
                replace(False)
            t1[page] = True
    return faults


def two_queues(string, c):
    a1in, a1out, am, faults = {}, {}, {}, 0
    for page in string:
        if page in am:
            am[page] = am.pop(page)
        elif page not in a1in:
            faults += 1
            known = a1out.pop(page, None)
            if len(a1in) + len(am) == c:
                if len(a1in) > max(1, c // 4) or not am:
                    move(a1in, a1out)
                    if len(a1out) > max(1, c // 2):
                        del a1out[oldest(a1out)]
                else:
                    del am[oldest(am)]
            (am if known else a1in)[page] = True
    return faults


def s3fifo(string, c):
    small, main, ghosts, most, faults = {}, {}, {}, max(1, c // 10), 0

    def evict():
        while True:
            if len(small) >= most or not main:
                page = oldest(small)
                if small.pop(page) <= 1:
                    ghosts[page] = True
                    if len(ghosts) > c - most:
                        del ghosts[oldest(ghosts)]
                    return
                main[page] = 0
            else:
                page = oldest(main)
                uses = main.pop(page)
                if uses == 0:
                    return
                main[page] = uses - 1

    for page in string:
        queue = small if page in small else main
        if page in queue:
            queue[page] = min(queue[page] + 1, 3)
            continue
        faults += 1
        known = ghosts.pop(page, None)
        if len(small) + len(main) == c:
            evict()
        (main if known else small)[page] = 0
    return faults


def lirs(string, c):
    stack, lir, queue, ghosts, faults = {}, set(), {}, {}, 0  # stack: the bottom comes first
    most = c - max(1, c // 100)

    def prune():
        while stack and oldest(stack) not in lir:
            ghosts.pop(oldest(stack), None)
            del stack[oldest(stack)]

    def to_top(page):
        stack.pop(page, None)
        stack[page] = True

    for page in string:
        if page in lir:
            to_top(page)
            prune()
            continue
        fault = page not in queue
        hot = page in stack
        if fault:
            faults += 1
            ghosts.pop(page, None)
            if len(lir) + len(queue) == c:
                front = oldest(queue)
                del queue[front]
                if front in stack:
                    ghosts[front] = True
                    if len(ghosts) > 2 * c:
                        first = oldest(ghosts)
                        del stack[first], ghosts[first]
        queue.pop(page, None)
        to_top(page)
        if hot or (fault and len(lir) < most):
            lir.add(page)
            if len(lir) > most:
                prune()
                bottom = oldest(stack)
                lir.remove(bottom)
                del stack[bottom]
                queue[bottom] = True
        else:
            queue[page] = True
        prune()
    return faults


def main():
    string = pages(sys.stdin)
    print("pages", len(set(string)), len(string))
    policies = (opt, lru, mru, fifo, clock, clock0, sieve, lfu, arc, two_queues, s3fifo, lirs)
    for policy in policies:
        for frames in FRAMES:
            name = policy.__name__.replace("two_queues", "2q")
            print(name, frames, policy(string, frames), flush=True)


if __name__ == "__main__":
    main()
