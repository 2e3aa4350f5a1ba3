"""A first plan at once: path scanning, and a giant tour cut into routes at the best places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled
from shaodao.kernel.routing.problem import BIG, Ints, Longs


def _scan(way: Ints, demand: Longs, service: Longs, capacity: int, rule: int, random: NDArray[np.float64]) -> Ints:
    """All tasks in the order of path scanning (Golden, DeArmon & Baker 1983); -1 ends a route.

    The next task is the nearest that fits; among equally near ones the rule decides: farthest from the depot, nearest to
    it, most load for its cost, least, or by the given random numbers.
    """
    m = demand.size
    order = np.full(2 * m + 1, -1, np.int32)
    open_ = np.ones(m, np.bool_)
    at, d, load, left, n = m, 0, 0, m, 0
    while left:
        best, near, worth, turn = -1, BIG, 0.0, 0
        for t in range(m):
            if not open_[t] or load + demand[t] > capacity:
                continue
            for e in range(2):
                far = way[at, t, 2 * d + e]
                if far > near or far >= BIG:
                    continue
                home = min(way[t, m, 2 * e], BIG)
                if rule == 0:
                    value = float(home)
                elif rule == 1:
                    value = -float(home)
                elif rule == 2:
                    value = demand[t] / (service[t] + 1.0)
                elif rule == 3:
                    value = -demand[t] / (service[t] + 1.0)
                else:
                    value = random[t]
                if far < near or value > worth or best < 0:
                    best, near, worth, turn = t, far, value, e
        if best < 0:  # nothing more fits: home, and a new route
            n += 1
            at, d, load = m, 0, 0
            continue
        order[n] = best
        n += 1
        open_[best] = False
        at, d, load, left = best, turn, load + demand[best], left - 1
    return order[:n]


scan = compiled(_scan)


def _cut(way: Ints, demand: Longs, capacity: int, tour: Ints) -> Longs:
    """Where to cut a giant tour so that the routes cost least (Ulusoy 1985), each task in its better direction (Prins 2004).

    Returns `before` (n + 1,): the last route ends with tour[n - 1] and begins with tour[before[n]], and so on back to 0.
    """
    n, m = tour.size, demand.size
    cost = np.full(n + 1, np.int64(1) << 60)
    before = np.zeros(n + 1, np.int64)
    cost[0] = 0
    for i in range(n):
        load, last = 0, m
        f0, f1 = np.int64(0), np.int64(BIG)
        for j in range(i, n):
            t = tour[j]
            load += demand[t]
            if load > capacity:
                break
            w = way[last, t]
            f0, f1 = min(f0 + w[0], f1 + w[2]), min(f0 + w[1], f1 + w[3])
            last = t
            whole = cost[i] + min(f0 + way[t, m, 0], f1 + way[t, m, 2])
            if whole < cost[j + 1]:
                cost[j + 1], before[j + 1] = whole, i
    return before


cut = compiled(_cut)


def split(way: Ints, demand: Longs, capacity: int, tour: list[int]) -> list[list[int]]:
    """A giant tour (all tasks in some order) as routes, cut at the best places."""
    order = np.array(tour, np.int32)
    before = cut(way, demand, capacity, order)
    routes, end = [], len(tour)
    while end:
        routes.append(tour[before[end] : end])
        end = int(before[end])
    return routes[::-1]


def first_plans(
    way: Ints, demand: Longs, service: Longs, capacity: int, seed: int, random: int = 3
) -> list[list[list[int]]]:
    """Plans by each rule of path scanning and some random ones, each as a giant tour cut anew."""
    numbers = np.random.default_rng(seed)
    plans = []
    for rule in range(4 + random):
        order = scan(way, demand, service, capacity, rule, numbers.random(demand.size))
        plans.append(split(way, demand, capacity, order[order >= 0].tolist()))
    return plans


def directions(way: Ints, route: list[int]) -> tuple[int, list[tuple[int, int]]]:
    """The cost of a route, serving left out, and its tasks with the best direction of each."""
    m = len(way) - 1
    f, last = [0, BIG], m
    came: list[tuple[int, int]] = []
    for t in [*route, m]:
        w = way[last, t].tolist()
        pick = tuple(int(f[1] + w[2 + e] < f[0] + w[e]) for e in (0, 1))
        f = [f[pick[e]] + w[2 * pick[e] + e] for e in (0, 1)]
        came.append((pick[0], pick[1]))
        last = t
    plan, e = [], 0
    for t, back in zip(reversed(route), reversed(came), strict=False):
        e = back[e]
        plan.append((t, e))
    return f[0], plan[::-1]
