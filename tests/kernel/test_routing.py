"""Arc routing: the best plan on tiny networks, every plan passes the checker, the checker refuses what is wrong."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shaodao.kernel.routing.checker import check, distances
from shaodao.kernel.routing.portfolio import solve
from shaodao.kernel.routing.problem import BIG, BadProblem, Problem, bound, mirrored, shortest, ways
from shaodao.kernel.routing.search import Moves, Worker
from shaodao.kernel.routing.starting import directions, split


def network(seed, tasks=5, nodes=6, capacity=7, one_way=False):
    """A random connected network: a ring and some chords; the tasks are among its edges, some one-way."""
    rng = np.random.default_rng(seed)
    ring = [(v, (v + 1) % nodes) for v in range(nodes)]
    chords = [tuple(int(x) for x in rng.choice(nodes, 2, replace=False)) for _ in range(3)]
    edges = np.array(ring + chords)
    cost = rng.integers(1, 20, len(edges))
    back = rng.integers(1, 20, len(edges)) if one_way else cost
    chosen = rng.choice(len(edges), tasks, replace=False)
    return Problem(
        nodes, np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]], np.r_[cost, back],
        edges[chosen, 0], edges[chosen, 1], cost[chosen], rng.integers(1, 5, tasks),
        rng.random(tasks) < 0.6 if one_way else np.ones(tasks, bool), int(rng.integers(nodes)), capacity,
    )  # fmt: skip


def brute(problem):
    """The least cost, by all orders and directions of each set of tasks, and all ways to share the tasks out."""
    way, m = distances(problem), problem.tasks
    route = {}
    for size in range(1, m + 1):
        for tasks in itertools.combinations(range(m), size):
            if sum(problem.task_demand[list(tasks)]) > problem.capacity:
                continue
            least = BIG
            for order in itertools.permutations(tasks):
                for turns in itertools.product((0, 1), repeat=size):
                    if any(d and not problem.two_way[t] for t, d in zip(order, turns, strict=True)):
                        continue
                    at, cost = problem.depot, 0
                    for t, d in zip(order, turns, strict=True):
                        a, b = int(problem.task_tail[t]), int(problem.task_head[t])
                        a, b = (b, a) if d else (a, b)
                        cost += int(way[at, a]) + int(problem.task_cost[t])
                        at = b
                    least = min(least, cost + int(way[at, problem.depot]))
            route[sum(1 << t for t in tasks)] = least
    best = [0] + [BIG] * ((1 << m) - 1)
    for mask in range(1, 1 << m):
        part = mask
        while part:
            if part in route:
                best[mask] = min(best[mask], best[mask ^ part] + route[part])
            part = (part - 1) & mask
    return best[-1]


@pytest.mark.parametrize(("seed", "one_way"), [(1, False), (2, True), (3, False), (4, True)])
def test_the_search_finds_what_trying_everything_finds(seed, one_way):
    problem = network(seed, one_way=one_way)
    found = solve(problem, Moves(60_000), seed=seed, workers=1)
    assert found.cost == brute(problem)
    assert check(problem, found.routes, found.cost).good


@given(st.integers(0, 10**6), st.booleans(), st.integers(1, 9), st.integers(4, 12))
@settings(max_examples=15, deadline=None)
def test_each_plan_passes_the_checker_and_costs_at_least_the_bound(seed, one_way, tasks, capacity):
    problem = network(seed, tasks, capacity=capacity, one_way=one_way)
    found = solve(problem, Moves(8_192), seed=seed, workers=1)
    verdict = check(problem, found.routes, found.cost)
    assert verdict.good, verdict.faults
    assert found.cost >= bound(problem)


def test_the_same_seed_and_moves_give_the_same_plan():
    problem = network(11, tasks=9, capacity=6)
    one, two = (solve(problem, Moves(30_000), seed=5, workers=1) for _ in range(2))
    assert one == two


def test_pyvrp_goes_on_from_a_plan_and_its_plan_passes():
    problem = network(13, tasks=9, capacity=6, one_way=True)
    worker = Worker(problem, 3, Moves(40_000), 0)
    before = worker.cost
    worker.by_groups(1.0)
    assert worker.cost <= before
    assert check(problem, worker.routes(), worker.cost + problem.service_cost).good


def tampered(routes):
    yield "served 0 times", routes[:-1]
    yield "served 2 times", [*routes, routes[0][:1]]
    yield "more than the capacity", [[stop for route in routes for stop in route]]
    yield "there is no task", [[*routes[0], (99, 0)], *routes[1:]]


def test_the_checker_refuses_what_was_tampered_with():
    problem = network(17, tasks=9, capacity=6)
    found = solve(problem, Moves(20_000), workers=1)
    for words, routes in tampered(found.routes):
        assert any(words in fault for fault in check(problem, routes).faults)
    assert check(problem, found.routes, found.cost - 1).faults == [f"the cost is {found.cost}, not {found.cost - 1}"]


def test_the_checker_knows_one_way_streets():
    problem = network(2, one_way=True)
    task = int(np.flatnonzero(~problem.two_way)[0])
    assert any("against its direction" in fault for fault in check(problem, [[(task, 1)]]).faults)


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=20, deadline=None)
def test_two_ways_of_finding_shortest_ways_agree(seed, one_way):
    problem = network(seed, one_way=one_way)
    assert (shortest(problem) == distances(problem)).all()
    assert mirrored(ways(problem)) or one_way


def test_a_tour_is_cut_where_it_costs_least_and_directions_are_the_best():
    problem = network(23, tasks=5, capacity=5)
    way = ways(problem)
    tour = [3, 1, 4, 0, 2]
    plan = split(way, problem.task_demand, problem.capacity, tour)
    assert [t for route in plan for t in route] == tour
    best = BIG
    for cuts in itertools.product((0, 1), repeat=4):
        parts, part = [], [tour[0]]
        for t, here in zip(tour[1:], cuts, strict=True):
            if here:
                parts.append(part)
                part = []
            part.append(t)
        parts.append(part)
        if all(problem.task_demand[p].sum() <= problem.capacity for p in parts):
            costs = [
                check(problem, [list(zip(p, turns, strict=True))]).cost
                for p in parts
                for turns in [min(
                    itertools.product((0, 1), repeat=len(p)),
                    key=lambda turns, p=p: check(problem, [list(zip(p, turns, strict=True))]).cost,
                )]
            ]  # fmt: skip
            best = min(best, sum(costs))
    routes = [directions(way, route)[1] for route in plan]
    assert check(problem, routes).cost == best


def test_what_cannot_be_solved_is_named():
    with pytest.raises(BadProblem, match="task 1 needs 9, more than the capacity 3"):
        Problem(2, *(np.array([x]) for x in (0, 1, 1, 0, 1, 1, 9)), np.array([True]), 0, 3)
    apart = Problem(
        4, *(np.array(x) for x in ([0, 1, 2, 3], [1, 0, 3, 2], [1] * 4, [2], [3], [1], [1])), np.array([True]), 0, 3
    )
    with pytest.raises(BadProblem, match=r"task 1 \(3, 4\) cannot be reached"):
        solve(apart, Moves(10))
    huge = Problem(
        2, *(np.array(x) for x in ([0, 1], [1, 0], [BIG + 1] * 2, [0], [1], [1], [1])), np.array([True]), 0, 3
    )
    with pytest.raises(BadProblem, match="too large"):
        solve(huge, Moves(10))


def test_nothing_to_serve_costs_nothing():
    none = np.array([], np.int64)
    found = solve(Problem(1, none, none, none, none, none, none, none, np.array([], bool), 0, 1), Moves(1))
    assert (found.routes, found.cost, found.proven) == ([], 0, True)


@pytest.mark.slow
def test_two_processes_give_the_same_plan_twice():
    problem = network(31, tasks=9, nodes=9, capacity=6)
    one, two = (solve(problem, Moves(60_000), seed=5, workers=2) for _ in range(2))
    assert one == two
    assert check(problem, one.routes, one.cost).good
