"""Capacitated arc routing problems as files: the format of CARPLIB (Universitat de València, 2005), read and answered.

The keywords are Spanish. All nodes are numbered from 1; a required edge may be served in either direction.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from shaodao.kernel.routing.checker import check
from shaodao.kernel.routing.portfolio import solve
from shaodao.kernel.routing.problem import BadProblem, Problem, Routes
from shaodao.kernel.routing.search import Moves

NUMBERS: Final = ("VERTICES", "ARISTAS_REQ", "ARISTAS_NOREQ", "VEHICULOS", "CAPACIDAD", "DEPOSITO")
OPTIONAL: Final = ("COMENTARIO", "COSTE_TOTAL_REQ", "TIPO_COSTES_ARISTAS", "NOMBRE")
LISTS: Final = {"LISTA_ARISTAS_REQ": True, "LISTA_ARISTAS_NOREQ": False}
ENDS: Final = ("EOF", "END", "FIN")
LARGEST: Final = 4_000_000
"""Bytes of a file at most; the largest published instance has a hundredth of that."""
NODES: Final = 5_000
TASKS: Final = 2_000
"""Required edges at most: tables grow with the square of their number."""
WARM: Final = """VERTICES : 3
ARISTAS_REQ : 3
CAPACIDAD : 2
LISTA_ARISTAS_REQ :
(1, 2) coste 1 demanda 1
(2, 3) coste 1 demanda 1
(3, 1) coste 3 demanda 1
DEPOSITO : 1"""
"""A problem to load the compiled code with."""
EDGE: Final = re.compile(
    r"\(\s*(?P<a>\d{1,9})(?:\s*,\s*|\s+)(?P<b>\d{1,9})\s*\)\s*coste\s*:?\s*(?P<cost>\d{1,9})"
    r"(?:\s*,?\s*demanda\s*:?\s*(?P<demand>\d{1,9}))?\s*",
    re.IGNORECASE | re.ASCII,
)


Edge = tuple[int, int, int, int, int]
"""From, to, cost, demand, line."""


class BadFile(ValueError):
    """The file is not a problem that can be read; the message names line and keyword."""


@dataclass(frozen=True)
class Carp:
    """A file's content. `edges`: (from, to, cost, demand) as in the file, `required` those with a demand, first."""

    name: str
    problem: Problem
    vehicles: int
    edges: list[tuple[int, int, int, int]] = field(repr=False)
    remarks: list[str] = field(default_factory=list)
    """What the file says of itself and is not so, but changes nothing."""

    def service(self, task: int, direction: int) -> list[int]:
        """A task of a plan as the two nodes [from, to], numbered as in the file."""
        a, b = self.edges[task][:2]
        return [b, a] if direction else [a, b]


def read(path: Path) -> Carp:
    """Read a file. Raises `BadFile` with line and keyword, OSError if there is none."""
    if path.stat().st_size > LARGEST:
        raise BadFile(f"{path.name} has {path.stat().st_size} bytes, more than {LARGEST}: not an instance")
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # older files have Spanish comments; what is no text fails at its first line
    return parse(text, path.stem)


def parse(text: str, name: str) -> Carp:
    """Read the text of a file; `name` is used where it gives none. Raises `BadFile`."""
    given: dict[str, tuple[int, str]] = {}
    edges: dict[bool, list[Edge]] = {True: [], False: []}
    required: bool | None = None
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.strip()
        if not line:
            continue
        if not line.startswith("("):
            if line.upper() in ENDS:
                break
            key, colon, value = (part.strip() for part in line.partition(":"))
            key = key.upper()
            if not colon or key not in (*NUMBERS, *OPTIONAL, *LISTS):
                raise BadFile(f"line {number}: {line[:40]!r} is neither a keyword with ':' nor an edge")
            if key in given:
                raise BadFile(f"line {number}: {key} stands here again, first on line {given[key][0]}")
            given[key] = (number, value)
            required, line = LISTS.get(key), value
            if required is None or not line:
                continue
        if required is None:
            raise BadFile(f"line {number}: an edge before LISTA_ARISTAS_REQ or LISTA_ARISTAS_NOREQ")
        edges[required].append(_edge(line, number, required))
    return _made(given, edges, name)


def _edge(line: str, number: int, required: bool) -> Edge:
    key = "LISTA_ARISTAS_REQ" if required else "LISTA_ARISTAS_NOREQ"
    found = EDGE.fullmatch(line)
    if not found:
        want = "(from, to) coste N demanda N" if required else "(from, to) coste N"
        raise BadFile(f"line {number}, {key}: {line[:40]!r} is not {want!r}")
    if required and found["demand"] is None:
        raise BadFile(f"line {number}, {key}: no demanda")
    a, b = int(found["a"]), int(found["b"])
    if a == b:
        raise BadFile(f"line {number}, {key}: the edge ({a}, {b}) begins and ends at the same node")
    demand = int(found["demand"] or 0) if required else 0
    return a, b, int(found["cost"]), demand, number


def _number(given: dict[str, tuple[int, str]], key: str, default: int | None = None) -> int:
    """A keyword's whole number; raises `BadFile` where it is missing, no number, or out of range."""
    if key not in given:
        if default is None:
            raise BadFile(f"{key} is missing")
        return default
    line, value = given[key]
    if not re.fullmatch(r"\d{1,9}", value, re.ASCII):
        raise BadFile(f"line {line}, {key}: {value[:40]!r} is not a whole number of 0 or more")
    return int(value)


def _made(given: dict[str, tuple[int, str]], edges: dict[bool, list[Edge]], name: str) -> Carp:
    """The problem from what the lines said; what they say about each other is compared."""
    nodes, capacity, depot = (_number(given, key) for key in ("VERTICES", "CAPACIDAD", "DEPOSITO"))
    kind = given.get("TIPO_COSTES_ARISTAS", (0, "EXPLICITOS"))
    if kind[1].upper() != "EXPLICITOS":
        raise BadFile(f"line {kind[0]}, TIPO_COSTES_ARISTAS: only EXPLICITOS can be read, not {kind[1][:40]!r}")
    for key, which in (("ARISTAS_REQ", True), ("ARISTAS_NOREQ", False)):
        have = len(edges[which])
        said = _number(given, key, have)
        if said != have:
            where = f"line {given[key][0]}, {key}"
            raise BadFile(f"{where}: {said} edges are announced, {have} are listed (is the file cut short?)")
    if not edges[True]:
        raise BadFile("LISTA_ARISTAS_REQ: there is nothing to serve")
    for key, value, most in (("VERTICES", nodes, NODES), ("CAPACIDAD", capacity, 10**9), ("DEPOSITO", depot, nodes)):
        if not 1 <= value <= most:
            raise BadFile(f"line {given[key][0]}, {key}: {value} is not within 1 and {most}")
    if len(edges[True]) > TASKS:
        raise BadFile(f"LISTA_ARISTAS_REQ: {len(edges[True])} required edges; this program takes {TASKS} at most")
    _compared(edges, nodes, capacity, depot)
    listed = [edge[:4] for edge in (*edges[True], *edges[False])]
    remarks = []
    total = sum(edge[2] for edge in edges[True])
    if (said := _number(given, "COSTE_TOTAL_REQ", total)) != total:  # so it is in the whole published set val
        line = given["COSTE_TOTAL_REQ"][0]
        remarks.append(f"line {line}, COSTE_TOTAL_REQ: {said} is said, the required edges cost {total} together")
    tail, head, cost = (np.array(column, np.int64) for column in list(zip(*listed, strict=True))[:3])
    task = np.array(edges[True], np.int64)
    problem = Problem(
        nodes, np.concatenate([tail, head]) - 1, np.concatenate([head, tail]) - 1, np.concatenate([cost, cost]),
        task[:, 0] - 1, task[:, 1] - 1, task[:, 2], task[:, 3], np.ones(len(task), bool), depot - 1, capacity,
    )  # fmt: skip
    return Carp(given.get("NOMBRE", (0, ""))[1] or name, problem, _number(given, "VEHICULOS", 0), listed, remarks)


def _compared(edges: dict[bool, list[Edge]], nodes: int, capacity: int, depot: int) -> None:
    """Raises `BadFile` for the first edge that does not fit the rest: its nodes, its demand, its way to the depot."""
    listed = [*edges[True], *edges[False]]
    for a, b, _cost, demand, line in listed:
        if not (1 <= a <= nodes and 1 <= b <= nodes):
            raise BadFile(f"line {line}: the edge ({a}, {b}) has a node outside 1 to {nodes} (VERTICES)")
        if demand > capacity:
            raise BadFile(f"line {line}, demanda: {demand} is more than the capacity {capacity} (CAPACIDAD)")
    ends = np.array([edge[:2] for edge in listed]) - 1
    graph = sparse.coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(nodes, nodes))
    _parts, part = connected_components(graph, directed=False)
    for a, b, _cost, _demand, line in edges[True]:
        if part[a - 1] != part[depot - 1]:
            raise BadFile(f"line {line}: the edge ({a}, {b}) cannot be reached from the depot {depot} (DEPOSITO)")


@dataclass(frozen=True)
class Seconds:
    """A budget of time for `kernel.routing`: looks at the clock that never goes back, which all processes share."""

    seconds: float
    start: float
    exact: bool = False

    @classmethod
    def from_now(cls, seconds: float) -> Seconds:
        return cls(seconds, time.monotonic())

    def __call__(self, moves: int) -> float:
        return (time.monotonic() - self.start) / self.seconds


@dataclass(frozen=True)
class Work:
    """A budget of processor time for each worker: for measuring on a machine that is busy with other things.

    On a quiet one with two cores it lasts as long as `Seconds`: the second worker's starting counts too.
    """

    seconds: float
    start: float
    process: int
    exact: bool = True

    @classmethod
    def from_now(cls, seconds: float) -> Work:
        return cls(seconds, time.process_time(), os.getpid())

    def __call__(self, moves: int) -> float:
        return (time.process_time() - (self.start if os.getpid() == self.process else 0.0)) / self.seconds


def solved(
    carp: Carp, seconds: float, seed: int, *, workers: int = 2, least: int | None = None, busy: bool = False,
    tell: Callable[[float, int], None] | None = None,
) -> tuple[dict[str, Any], Routes, bool]:  # fmt: skip
    """Solve within a time and check the answer by the independent checker.

    The time begins when the compiled code is there: loading it takes a second or two, compiling it, once for a machine and
    version, half a minute.

    With `busy` the time is processor time of each worker. Returns (the answer as the command prints it, the routes, whether the cost is proven to be the least). Raises `BadFile`
    if a required edge cannot be reached, RuntimeError if the checker refuses the plan (an error of the program).
    """
    solve(parse(WARM, "").problem, Moves(8192), workers=1)
    clock = (Work if busy else Seconds).from_now(seconds)
    begun = time.monotonic()
    try:
        found = solve(carp.problem, clock, seed=seed, workers=workers, least=least, tell=tell)
    except BadProblem as error:
        raise BadFile(f"LISTA_ARISTAS: {error}") from None
    spent = time.monotonic() - begun
    verdict = check(carp.problem, found.routes, found.cost)
    if not verdict.good:
        raise RuntimeError(f"the checker refuses the plan: {'; '.join(verdict.faults[:5])}")
    answer = {
        "instance": carp.name,
        "cost": verdict.cost,
        "routes": [[carp.service(t, d) for t, d in route] for route in found.routes],
        "seconds": round(spent, 2),
        "checked": True,
    }
    return answer, found.routes, found.proven
