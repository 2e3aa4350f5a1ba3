"""Simulated annealing over routes of undirected tasks, with every direction decided at its best in every comparison.

The state is which task comes when on which route, never in which direction: for each place on a route the cheapest way to
come there and the cheapest way home from there are kept for both directions (a dynamic program over two states a task), so
that a move between routes is priced by joining the two, with all directions of both routes chosen anew, in constant time
(Vidal 2017). Moves: chains of up to three tasks relocated or exchanged, in either order (or-opt, swap), tails exchanged
plainly or reversed (2-opt*), a piece of a route reversed (2-opt). Load over the capacity is allowed at a price that rises
and falls with how often it happens. All compiled functions stand in this file (see `kernel/compiled.py`).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shaodao.kernel.compiled import compiled
from shaodao.kernel.routing.problem import BIG, Ints, Longs, Problem, mirrored, ways

Floats = NDArray[np.float64]
NEAR: Final = 24
"""Neighbours of a task that moves look at."""
CHAIN: Final = 3
SPARE: Final = 4
"""Routes kept empty beyond those needed."""
BEAT: Final = 512
"""Moves between two changes of temperature and penalty."""


class Given(NamedTuple):
    """What does not change: `way` as of `ways`, `near` (m + 1, k) int32 with m for the depot, demands, capacity."""

    way: Ints
    near: Ints
    demand: Longs
    capacity: int
    mirrored: bool


TASK, ACC, OUT, HOME, THERE, BACK = 0, 1, 2, 4, 6, 8
"""What `stops` holds of a place on a route: the task (m for the depot); the load up to it; the cheapest way from the depot
to having served it in direction 0 or 1; from there to the end; and the same two with the route driven backwards."""
SIZE, COST = 0, 1
"""What `routes` holds."""
WHERE, PLACE, NEED = 0, 1, 2
"""What `tasks` holds: route, place, demand."""
TOTAL, EXCESS, BEST, CAPACITY, MIRRORED = 0, 1, 2, 3, 4
"""What `tally` holds: cost, load over the capacity, cost of the best plan within it, and two facts of the problem."""
PRICE, LEAST, MOST, FINE, RATE = 0, 1, 2, 3, 4
"""What `price` holds: of a unit of load too much, its bounds, how often no load is to be too much, how fast it changes."""


class State(NamedTuple):
    """A plan in search: few arrays, because each call of a compiled function passes all the parts of each array."""

    stops: Ints
    routes: Longs
    tasks: Longs
    spare: Ints
    random: NDArray[np.uint64]
    tally: Longs
    price: Floats
    best: Ints
    best_size: Longs


def _draw(state: NDArray[np.uint64]) -> int:
    """The next 31 bits of xorshift64* (Vigna 2016)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))  # type: ignore[return-value]


draw = compiled(_draw)


def _step(way: Ints, s: int, t: int, f0: int, f1: int) -> tuple[int, int]:
    """From having served s at cost f0 or f1 by direction, to having served t."""
    w = way[s, t]
    return min(f0 + w[0], f1 + w[2]), min(f0 + w[1], f1 + w[3])


step = compiled(_step)


def _close(way: Ints, s: int, t: int, f0: int, f1: int, g0: int, g1: int) -> int:
    """The cheapest of a way that ends with s (f0 or f1 by direction) followed by one that begins with t (g0 or g1)."""
    w = way[s, t]
    least: int = min(f0 + w[0] + g0, f0 + w[1] + g1, f1 + w[2] + g0, f1 + w[3] + g1)
    return least


close = compiled(_close)


def _join(way: Ints, stops: Ints, r: int, i: int, f: int, q: int, j: int, g: int) -> int:
    """Route r up to i by its table f, then from place j of q by table g."""
    a, b = stops[r, i], stops[q, j]
    return close(way, a[TASK], b[TASK], a[f], a[f + 1], b[g], b[g + 1])


join = compiled(_join)


def _refresh(way: Ints, stops: Ints, routes: Longs, tasks: Longs, r: int, same_back: int) -> None:
    """Compute anew what is kept of route r."""
    n, m, stop = routes[r, SIZE], len(tasks), stops[r]
    for end in (0, n + 1):
        stop[end, TASK], stop[end, ACC] = m, 0
        for x in (OUT, HOME, THERE, BACK):
            stop[end, x], stop[end, x + 1] = 0, BIG
    for i in range(1, n + 1):
        s, t = stop[i - 1, TASK], stop[i, TASK]
        stop[i, OUT], stop[i, OUT + 1] = step(way, s, t, stop[i - 1, OUT], stop[i - 1, OUT + 1])
        stop[i, ACC] = stop[i - 1, ACC] + tasks[t, NEED]
        tasks[t, WHERE], tasks[t, PLACE] = r, i
    stop[n + 1, ACC] = stop[n, ACC]
    for i in range(n, 0, -1):
        w = way[stop[i, TASK], stop[i + 1, TASK]]
        stop[i, HOME] = min(w[0] + stop[i + 1, HOME], w[1] + stop[i + 1, HOME + 1])
        stop[i, HOME + 1] = min(w[2] + stop[i + 1, HOME], w[3] + stop[i + 1, HOME + 1])
    if same_back:
        for i in range(1, n + 1):
            stop[i, THERE], stop[i, THERE + 1] = stop[i, HOME + 1], stop[i, HOME]
            stop[i, BACK], stop[i, BACK + 1] = stop[i, OUT + 1], stop[i, OUT]
    else:
        for i in range(n, 0, -1):
            s, t = stop[i + 1, TASK], stop[i, TASK]
            stop[i, THERE], stop[i, THERE + 1] = step(way, s, t, stop[i + 1, THERE], stop[i + 1, THERE + 1])
        for i in range(1, n + 1):
            w = way[stop[i, TASK], stop[i - 1, TASK]]
            stop[i, BACK] = min(w[0] + stop[i - 1, BACK], w[1] + stop[i - 1, BACK + 1])
            stop[i, BACK + 1] = min(w[2] + stop[i - 1, BACK], w[3] + stop[i - 1, BACK + 1])
    routes[r, COST] = join(way, stops, r, 0, OUT, r, 1, HOME) if n else 0


refresh = compiled(_refresh)


def _fit(way: Ints, stops: Ints, r: int, i: int, k: int, q: int, j: int, b: int, turned: bool) -> int:
    """The cost of route r with its k tasks from place i replaced by the b tasks from place j of route q."""
    a = stops[r, i - 1]
    last, f0, f1 = a[TASK], a[OUT], a[OUT + 1]
    for x in range(b):
        t = stops[q, j + b - 1 - x, TASK] if turned else stops[q, j + x, TASK]
        f0, f1 = step(way, last, t, f0, f1)
        last = t
    z = stops[r, i + k]
    return close(way, last, z[TASK], f0, f1, z[HOME], z[HOME + 1])


fit = compiled(_fit)


def _settle(way: Ints, state: State, r: int, new: int, size: int) -> None:
    """Route r becomes what stands in row `new` of `spare`."""
    stops, routes, tally = state.stops, state.routes, state.tally
    tally[TOTAL] -= routes[r, COST]
    tally[EXCESS] -= max(0, stops[r, routes[r, SIZE], ACC] - tally[CAPACITY])
    for x in range(1, size + 1):
        stops[r, x, TASK] = state.spare[new, x]
    routes[r, SIZE] = size
    refresh(way, stops, routes, state.tasks, r, tally[MIRRORED])
    tally[TOTAL] += routes[r, COST]
    tally[EXCESS] += max(0, stops[r, size, ACC] - tally[CAPACITY])


settle = compiled(_settle)


def _put(spare: Ints, row: int, size: int, stops: Ints, r: int, low: int, high: int, turned: bool) -> int:
    """Append places low to high of route r to a row of `spare`; returns the new size."""
    for x in range(high - low + 1):
        size += 1
        spare[row, size] = stops[r, high - x, TASK] if turned else stops[r, low + x, TASK]
    return size


put = compiled(_put)


def _change(stops: Ints, routes: Longs, tally: Longs, r: int, q: int, moved: int) -> int:
    """How much more load is too much when `moved` goes from route q to route r."""
    load, other, most = stops[r, routes[r, SIZE], ACC], stops[q, routes[q, SIZE], ACC], tally[CAPACITY]
    more: int = max(0, load + moved - most) + max(0, other - moved - most) - max(0, load - most) - max(0, other - most)
    return more


change = compiled(_change)


def _exchange(
    way: Ints, stops: Ints, routes: Longs, r: int, i: int, k: int, q: int, j: int, b: int, slack: float
) -> int:
    """Whether the k tasks from place i of route r can change places with the b from place j of another route q.

    Returns -1 if that costs more than `slack`, otherwise which chains are turned round: 1 that from q, 2 that from r.
    """
    slack += routes[r, COST] + routes[q, COST]
    if slack < 0:
        return -1
    turned = 0
    first = fit(way, stops, r, i, k, q, j, b, False)
    if b > 1:
        other = fit(way, stops, r, i, k, q, j, b, True)
        if other < first:
            first, turned = other, 1
    if first > slack:
        return -1
    second = fit(way, stops, q, j, b, r, i, k, False)
    if k > 1:
        other = fit(way, stops, q, j, b, r, i, k, True)
        if other < second:
            second, turned = other, turned + 2
    return turned if first + second <= slack else -1


exchange = compiled(_exchange)


def _do_exchange(way: Ints, state: State, r: int, i: int, k: int, q: int, j: int, b: int, turned: int) -> None:
    stops, routes, new = state.stops, state.routes, state.spare
    n = put(new, 0, 0, stops, r, 1, i - 1, False)
    n = put(new, 0, n, stops, q, j, j + b - 1, turned % 2 == 1)
    n = put(new, 0, n, stops, r, i + k, routes[r, SIZE], False)
    s = put(new, 1, 0, stops, q, 1, j - 1, False)
    s = put(new, 1, s, stops, r, i, i + k - 1, turned >= 2)
    s = put(new, 1, s, stops, q, j + b, routes[q, SIZE], False)
    settle(way, state, r, 0, n)
    settle(way, state, q, 1, s)


do_exchange = compiled(_do_exchange)


def _do_tails(way: Ints, state: State, r: int, i: int, q: int, j: int, turned: bool) -> None:
    """Route r up to place i goes on with q from place j on or, `turned`, from place j back; the rest makes the other."""
    stops, routes, new = state.stops, state.routes, state.spare
    n = put(new, 0, 0, stops, r, 1, i, False)
    if turned:
        n = put(new, 0, n, stops, q, 1, j, True)
        s = put(new, 1, 0, stops, r, i + 1, routes[r, SIZE], True)
        s = put(new, 1, s, stops, q, j + 1, routes[q, SIZE], False)
    else:
        n = put(new, 0, n, stops, q, j, routes[q, SIZE], False)
        s = put(new, 1, 0, stops, q, 1, j - 1, False)
        s = put(new, 1, s, stops, r, i + 1, routes[r, SIZE], False)
    settle(way, state, r, 0, n)
    settle(way, state, q, 1, s)


do_tails = compiled(_do_tails)


def _tails(way: Ints, stops: Ints, routes: Longs, r: int, i: int, q: int, j: int, turned: bool, slack: float) -> bool:
    """Whether the move of `_do_tails` costs at most `slack`."""
    slack += routes[r, COST] + routes[q, COST]
    if turned:
        cost = join(way, stops, r, i, OUT, q, j, BACK)
        return cost <= slack and cost + join(way, stops, r, i + 1, THERE, q, j + 1, HOME) <= slack
    cost = join(way, stops, r, i, OUT, q, j, HOME)
    return cost <= slack and cost + join(way, stops, q, j - 1, OUT, r, i + 1, HOME) <= slack


tails = compiled(_tails)


def _within(way: Ints, state: State, r: int, i: int, j: int, kind: int, k: int, slack: float) -> bool:
    """Inside route r: places i and j swapped (kind 0), all between them reversed (1), k tasks from i put beside j (2)."""
    stops, routes, new = state.stops, state.routes, state.spare
    n, low, high = routes[r, SIZE], min(i, j), max(i, j)
    if kind == 2:
        k = min(k, n - i + 1) if i > j else min(k, j - i)
        if i < j:  # the chain comes behind j
            x = put(new, 0, low - 1, stops, r, i + k, j, False)
            put(new, 0, x, stops, r, i, i + k - 1, False)
        else:  # before j
            high = i + k - 1
            x = put(new, 0, low - 1, stops, r, i, i + k - 1, False)
            put(new, 0, x, stops, r, j, i - 1, False)
    else:
        put(new, 0, low - 1, stops, r, low, high, kind == 1)
        if kind == 0:
            new[0, low], new[0, high] = new[0, high], new[0, low]
    a, z = stops[r, low - 1], stops[r, high + 1]
    last, f0, f1 = a[TASK], a[OUT], a[OUT + 1]
    for x in range(low, high + 1):
        f0, f1 = step(way, last, new[0, x], f0, f1)
        last = new[0, x]
    if close(way, last, z[TASK], f0, f1, z[HOME], z[HOME + 1]) - routes[r, COST] > slack:
        return False
    put(new, 0, 0, stops, r, 1, low - 1, False)
    put(new, 0, high, stops, r, high + 1, n, False)
    settle(way, state, r, 0, n)
    return True


within = compiled(_within)


def _between(way: Ints, state: State, r: int, i: int, q: int, j: int, dice: int, slack: float) -> bool:
    """One random move that brings the task at place i of route r beside place j (0 to size + 1) of another route q."""
    stops, routes, tally, price = state.stops, state.routes, state.tally, state.price[PRICE]
    n, s = routes[r, SIZE], routes[q, SIZE]
    kind, dice = dice % 8, dice // 8
    after = dice & 1
    if kind < 2:  # 2-opt*
        turned = kind == 1
        if turned:
            i, j = i - after, max(0, min(j, s) - after)
            moved = stops[q, j, ACC] - stops[r, n, ACC] + stops[r, i, ACC]
        else:
            if after:  # q up to j, then r from i on: the same move seen from q
                r, i, q, j, n, s = q, min(j, s), r, i, s, n
            j = max(1, j)
            moved = stops[q, s, ACC] - stops[q, j - 1, ACC] - stops[r, n, ACC] + stops[r, i, ACC]
        slack -= price * change(stops, routes, tally, r, q, moved)
        if not tails(way, stops, routes, r, i, q, j, turned, slack):
            return False
        do_tails(way, state, r, i, q, j, turned)
        return True
    k = 1 + (dice >> 1) % CHAIN
    b = 1 + (dice >> 3) % CHAIN
    i = max(1, i - (dice >> 5) % k)
    k = min(k, n - i + 1)
    j = min(j + 1, s + 1) if after else max(1, j)
    if kind < 5:
        b = 0
    elif after:
        b = min(b, s - j + 1)
    else:
        b = min(b, j - 1)
        j -= b
    moved = stops[q, j + b - 1, ACC] - stops[q, j - 1, ACC] - stops[r, i + k - 1, ACC] + stops[r, i - 1, ACC]
    slack -= price * change(stops, routes, tally, r, q, moved)
    turns = exchange(way, stops, routes, r, i, k, q, j, b, slack)
    if turns < 0:
        return False
    do_exchange(way, state, r, i, k, q, j, b, turns)
    return True


between = compiled(_between)


def _move(way: Ints, near: Ints, state: State, slack: float) -> bool:
    """Draw a move and make it if it costs at most `slack`."""
    tasks, routes = state.tasks, state.routes
    m = len(tasks)
    u = draw(state.random) % m
    v = near[u, draw(state.random) % near.shape[1]]
    dice = draw(state.random)
    r, i = tasks[u, WHERE], tasks[u, PLACE]
    if v == m:  # beside the depot, on any route, also an empty one
        q = (dice >> 16) % len(routes)
        end = dice >> 15 & 1
        dice &= (1 << 15) - 1
        j = routes[q, SIZE] + 1 if end else 0
        if q == r:
            j = routes[q, SIZE] if end else 1
    else:
        q, j = tasks[v, WHERE], tasks[v, PLACE]
    if q == r:
        return i != j and within(way, state, r, i, j, dice % 3, 1 + (dice // 3) % CHAIN, slack)
    return between(way, state, r, i, q, j, dice, slack)


move = compiled(_move)


def _keep(state: State) -> None:
    """The plan as it stands is the best so far."""
    for r in range(len(state.routes)):
        n = state.routes[r, SIZE]
        state.best_size[r] = n
        for i in range(n):
            state.best[r, i] = state.stops[r, i + 1, TASK]


keep = compiled(_keep)


def _anneal(given: Given, state: State, beats: int, hot: float, cold: float) -> int:
    """`beats` × `BEAT` moves while the temperature falls from `hot` to `cold`; keeps the best plan. Returns moves made."""
    made = 0
    way, near, tally, price = given.way, given.near, state.tally, state.price
    for beat in range(beats):
        heat = hot * (cold / hot) ** (beat / beats)
        fine = 0
        for _ in range(BEAT):
            slack = -heat * math.log((draw(state.random) + 1) / 2147483649.0)
            if move(way, near, state, slack):
                made += 1
                if tally[EXCESS] == 0 and tally[TOTAL] < tally[BEST]:
                    tally[BEST] = tally[TOTAL]
                    keep(state)
            fine += tally[EXCESS] == 0
        price[PRICE] *= 1.0 + price[RATE] * (price[FINE] - fine / BEAT)
        price[PRICE] = max(price[LEAST], min(price[MOST], price[PRICE]))
    return made


anneal = compiled(_anneal)


def prepare(problem: Problem, near: int = NEAR) -> Given:
    """The tables of a problem; once for all searches on it."""
    table = ways(problem)
    m = problem.tasks
    nearest = table.min(axis=2).astype(np.int64)
    nearest = np.minimum(nearest, nearest.T)[:m]
    nearest[np.arange(m), np.arange(m)] = np.iinfo(np.int64).max
    order = np.argsort(nearest, axis=1, kind="stable")[:, : max(1, min(near, m))]
    order[(order == m).sum(axis=1) == 0, -1] = (
        m  # the depot is everybody's neighbour: a route may begin or end anywhere
    )
    return Given(
        table, order.astype(np.int32), problem.task_demand.astype(np.int64), int(problem.capacity), mirrored(table)
    )


def blank(given: Given, seed: int, rows: int) -> State:
    """A state of `rows` empty routes."""
    m = given.demand.size
    tasks = np.zeros((m, 3), np.int64)
    tasks[:, NEED] = given.demand
    random = np.random.default_rng([seed, m]).integers(1, 1 << 62, 1, dtype=np.uint64)
    return State(
        stops=np.zeros((rows, m + 2, 10), np.int32),
        routes=np.zeros((rows, 2), np.int64),
        tasks=tasks,
        spare=np.zeros((2, m + 2), np.int32),
        random=random,
        tally=np.array([0, 0, 1 << 60, given.capacity, given.mirrored], np.int64),
        price=np.array([1.0, 1e-3, 1e6, 0.5, 1e-3]),
        best=np.zeros((rows, m), np.int32),
        best_size=np.zeros(rows, np.int64),
    )


def load(given: Given, state: State, plan: list[list[int]]) -> None:
    """Put routes (task numbers in order) into a state; within the capacity they are its best plan if they cost least."""
    state.routes[:, SIZE] = 0
    for r, route in enumerate(plan):
        state.stops[r, 1 : len(route) + 1, TASK] = route
        state.routes[r, SIZE] = len(route)
    excess = 0
    for r in range(len(state.routes)):
        refresh(given.way, state.stops, state.routes, state.tasks, r, int(given.mirrored))
        excess += max(0, int(state.stops[r, state.routes[r, SIZE], ACC]) - given.capacity)
    state.tally[TOTAL], state.tally[EXCESS] = state.routes[:, COST].sum(), excess
    if not excess and state.tally[TOTAL] < state.tally[BEST]:
        state.tally[BEST] = state.tally[TOTAL]
        keep(state)


def unload(state: State) -> list[list[int]]:
    """The best plan so far as task numbers in order; empty routes left out."""
    return [state.best[r, :n].tolist() for r, n in enumerate(state.best_size) if n]
