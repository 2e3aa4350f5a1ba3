"""The one face of all benchmark scripts.

A script registers functions with `benchmark` and ends with ``raise SystemExit(main(__doc__))``. Run it plain for a table,
with ``--json`` for one object a line (``name``, ``value``, ``unit``, ``peer``, ``peer_value``, ``ratio``; the last three are
null without a peer), with ``--only PREFIX`` for a part. ``ratio`` says how many times better than the peer: above 1 is
better, be it a time or a score.

A benchmark whose data or program is absent raises `Skip`; that is said aloud (on stderr) and is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # a script is started from its file, which leaves the repository out of the path


class Skip(Exception):
    """Something that this benchmark needs is not here; the message says what."""


@dataclass(frozen=True)
class Result:
    """One figure, and the same figure for a peer where one was measured beside it."""

    value: float
    peer_value: float | None = None


Line = dict[str, str | float | None]
Measured = Result | float | Iterator[Line]


@dataclass(frozen=True)
class _Benchmark:
    name: str
    unit: str
    peer: str | None
    better: str
    run: Callable[[], Measured]


_REGISTERED: list[_Benchmark] = []


def benchmark(
    name: str, unit: str = "", peer: str | None = None, better: Literal["lower", "higher"] = "lower"
) -> Callable[[Callable[[], Measured]], Callable[[], Measured]]:
    """Register a function under a dotted name such as ``worktime.1m.cpu_s``.

    It returns one figure (a `Result`, or a number), or yields several, each made by `line` with a name that begins with
    this one.
    """

    def register(function: Callable[[], Measured]) -> Callable[[], Measured]:
        _REGISTERED.append(_Benchmark(name, unit, peer, better, function))
        return function

    return register


def line(
    name: str,
    value: float,
    unit: str,
    *,
    peer: str | None = None,
    peer_value: float | None = None,
    ratio: float | None = None,
    better: str = "lower",
) -> Line:
    """One row of the output; the ratio follows from the two values unless it is given."""
    if peer_value is None:
        peer = ratio = None
    elif ratio is None and value and peer_value:
        ratio = value / peer_value if better == "higher" else peer_value / value
    numbers = {"value": value, "peer_value": peer_value, "ratio": ratio}
    short = {key: None if number is None else _short(number) for key, number in numbers.items()}
    return {
        "name": name,
        "value": short["value"],
        "unit": unit,
        "peer": peer,
        "peer_value": short["peer_value"],
        "ratio": short["ratio"],
    }


def data_path(*parts: str) -> Path:
    """A path in the data folder: ``$SHAODAO_DATA``, or ``../shared/data`` beside the repository. Raises `Skip` if absent."""
    base = Path(os.environ.get("SHAODAO_DATA") or ROOT.parent / "shared" / "data")
    path = base.joinpath(*parts)
    if not path.exists():
        raise Skip(f"no {'/'.join(parts)} in {base} (set SHAODAO_DATA)")
    return path


def chosen(name: str, only: str) -> bool:
    """Whether ``--only`` means this benchmark: a prefix of its name, or a longer path that begins with its name."""
    return name.startswith(only) or only.startswith(name + ".")


def main(description: str | None = None, argv: list[str] | None = None) -> int:
    """Run the registered benchmarks and print them; returns the exit status (2 where ``--only`` means none)."""
    parser = argparse.ArgumentParser(description=(description or "").strip().split("\n")[0])
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", default="", metavar="PREFIX", help="only benchmarks whose name starts so")
    options = parser.parse_args(argv)
    todo = [item for item in _REGISTERED if chosen(item.name, options.only)]
    if not todo:
        names = ", ".join(item.name for item in _REGISTERED)
        print(f"no benchmark begins with {options.only!r}; there are: {names}", file=sys.stderr)
        return 2
    rows = []
    for item in todo:
        try:
            for row in _measure(item):
                if not chosen(str(row["name"]), options.only):
                    continue
                if options.json:
                    print(json.dumps(row, ensure_ascii=False), flush=True)
                rows.append(row)
        except Skip as reason:
            print(f"skipped {item.name}: {reason}", file=sys.stderr)
    if not options.json and rows:
        _table(rows)
    return 0


def _measure(item: _Benchmark) -> Iterator[Line]:
    found = item.run()
    if isinstance(found, Iterator):
        yield from found
        return
    result = found if isinstance(found, Result) else Result(float(found))
    yield line(item.name, result.value, item.unit, peer=item.peer, peer_value=result.peer_value, better=item.better)


def _short(number: float) -> float:
    """Four significant digits: a benchmark has no more."""
    return float(f"{number:.4g}")


def _table(rows: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "value", "unit", "peer", "peer value", "ratio")
    for row in rows:
        table.add_row(
            *("" if value is None else f"{value:g}" if isinstance(value, float) else value for value in row.values())
        )
    Console().print(table)
