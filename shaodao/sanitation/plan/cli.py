"""`shaodao sanitation solve-carp`: arc routing on a file of the CARPLIB format."""

from __future__ import annotations

import math
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class _Unreadable(click.ClickException):
    """The call was wrong: the file is no instance."""

    exit_code = 2


@click.command("solve-carp")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(0.1, 86_400), help="Time to search.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Where chance begins.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 2), help="Processes.")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the routes here too, as text."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def solve_carp(file: Path, seconds: float, seed: int, workers: int, out: Path | None, as_json: bool) -> None:
    """Serve each required edge of FILE once, within the capacity, at least cost.

    FILE is in the format of CARPLIB (gdb, val, egl). The cost counts serving and driving; the number of vehicles is free,
    as in the published best values. A route is a list of services [from, to]; the way between is a shortest one. The plan
    went through an independent checker ("checked"). Exit code 0; 2 if the file cannot be read (line and keyword are named).
    """
    from shaodao.sanitation.plan import carp as files

    if math.isnan(seconds):
        raise click.BadParameter("not a number", param_hint="--seconds")
    if out and not out.parent.is_dir():
        raise click.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    talk = Console(stderr=True)
    try:
        carp = files.read(file)
        for remark in carp.remarks:
            click.echo(f"{file.name}: {remark}; it is not used", err=True)
        click.echo("loading the search (the first time it is compiled, which takes ten seconds or more) …", err=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[cost]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=talk, transient=True) as progress:
            task = progress.add_task(carp.name, total=1.0, cost="")

            def tell(gone: float, cost: int) -> None:
                progress.update(task, completed=gone, cost=f"{cost}")

            answer, _routes, proven = files.solved(carp, seconds, seed, workers=workers, tell=tell)
    except files.BadFile as error:
        raise _Unreadable(f"{file.name}: {error}") from None
    except OSError as error:
        raise _Unreadable(f"{file.name}: {error.strerror}") from None
    if out:
        lines = [" ".join(f"({a},{b})" for a, b in route) for route in answer["routes"]]
        out.write_text("\n".join([f"{answer['instance']} {answer['cost']}", *lines, ""]), encoding="utf-8")
    if as_json:
        click.echo(orjson.dumps(answer).decode())
        return
    _table(carp, answer["routes"])
    said = "no plan can cost less" if proven else "checked"
    click.echo(
        f"{answer['instance']}: cost {answer['cost']}, {len(answer['routes'])} routes, {answer['seconds']} s, {said}"
    )


def _table(carp, routes: list[list[list[int]]]) -> None:  # type: ignore[no-untyped-def]
    """The routes for a person."""
    need = {(a, b): demand for a, b, _cost, demand in carp.edges}
    table = Table("route", "edges", f"load of {carp.problem.capacity}", "services")
    for number, route in enumerate(routes, 1):
        load = sum(need.get((a, b), 0) or need.get((b, a), 0) for a, b in route)
        table.add_row(f"{number}", f"{len(route)}", f"{load}", " ".join(f"{a}-{b}" for a, b in route))
    Console().print(table)
