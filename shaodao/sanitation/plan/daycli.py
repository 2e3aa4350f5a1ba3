"""`shaodao sanitation plan DATE`, `replan DATE`: the plan of a day from the command line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from shaodao.sanitation.feasibility.cli import LANGUAGES

OPTIONS: list[Callable[[Any], Any]] = [
    click.argument("date", type=click.DateTime(["%Y-%m-%d"])),
    click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 3600), help="Time to search."),
    click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Where chance begins."),
    click.option("--rounds", type=click.IntRange(0, 10**7), help="So many rounds of search instead: the same plan each time."),
    click.option("--publish", is_flag=True, help="Publish it, where it holds."),
    click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="An .xlsx file of the plan."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output."),
    click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True),
]  # fmt: skip


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@_options
def plan(date: datetime, lang: str, **given: Any) -> None:
    """Plan the day's services: which vehicle, which segment, in which order and when. Stored as a draft.

    Exit code 0 where everything due is planned (or nothing is due), 1 where something is left out, 2 for a wrong call.
    """
    from shaodao.cases.actions import Actor
    from shaodao.sanitation.plan import actions

    def made(tell: Any) -> Any:
        budget = {name: given[name] for name in ("seconds", "seed", "rounds")}
        return actions.make(date.date(), Actor.system(), tell=tell, **budget)

    _run(made, lang, given)


@click.command()
@_options
@click.option("--at", required=True, type=click.DateTime(["%H:%M"]), help="From when on: what began before stays.")
@click.option("--broken", multiple=True, help="Code of a vehicle that stands from then on.")
@click.option("--closed", multiple=True, help="MODE@10:00-12:00: when a mode may not run, as rain; without MODE all.")
def replan(
    date: datetime, lang: str, at: datetime, broken: tuple[str, ...], closed: tuple[str, ...], **given: Any
) -> None:
    """Plan the rest of a day anew, out of the newest plan that is published for it (or made, where none is).

    Exit codes as of `plan`.
    """
    from shaodao.cases.actions import Actor
    from shaodao.sanitation.models import DayPlan
    from shaodao.sanitation.plan import actions
    from shaodao.sanitation.words import PlanState

    plans = DayPlan.objects.filter(day=date.date())
    old = plans.filter(state=PlanState.PUBLISHED).first() or plans.exclude(state=PlanState.WITHDRAWN).first()
    if old is None:
        raise click.UsageError(f"no plan of {date.date()}")
    spans = [_closed(text) for text in closed]

    def made(tell: Any) -> Any:
        budget = {name: given[name] for name in ("seconds", "seed", "rounds")}
        at_s = at.hour * 3600 + at.minute * 60
        return actions.replan(old.pk, Actor.system(), at_s, broken=broken, closed=spans, tell=tell, **budget)

    _run(made, lang, given)


def _closed(text: str) -> tuple[str, int, int]:
    from shaodao.sanitation.hours import Bad, span

    mode, _at, hours = text.rpartition("@")
    try:
        first, last, _passes = span(hours)
    except Bad as bad:
        raise click.BadParameter(str(bad), param_hint="--closed") from None
    return mode, first * 60, last * 60


def _run(made: Callable[[Any], Any], lang: str, given: dict[str, Any]) -> None:
    from django.utils import translation

    from shaodao.cases.actions import Actor
    from shaodao.foundation.errors import Invalid, Refused
    from shaodao.sanitation.plan import actions, sheet, stored, texts
    from shaodao.sanitation.plan.checking import violations

    out: Path | None = given["out"]
    if out and out.suffix != ".xlsx":
        raise click.BadParameter("an .xlsx file", param_hint="--out")
    with translation.override(LANGUAGES[lang]):
        try:
            with _bar() as tell:
                plan = made(tell)
            facts, trips = stored.facts_of(plan), stored.trips_of(plan)
            found = violations(facts, trips)
            if given["publish"]:
                plan = actions.publish(plan.pk, Actor.system(), version=plan.version)
            if out:
                out.write_bytes(sheet.workbook(facts, trips, plan.figures, plan.left_out))
        except (Invalid, Refused) as error:
            raise click.UsageError(str(error)) from None
        except OSError as error:
            raise click.UsageError(f"{out}: {error.strerror}") from None
        answer = {"day": plan.day.isoformat(), "plan": plan.pk, "state": plan.state, "seconds": plan.seconds}
        answer |= plan.figures | {"violations": [v.as_dict() for v in found]}
        if given["as_json"]:
            click.echo(orjson.dumps(answer).decode())
        else:
            _table(plan.figures, texts)
            click.echo(texts.headline(plan.figures))
            for what, code in plan.figures["notes"]:
                click.echo(texts.note(what, code))
            for violation in found[:20]:
                click.echo(violation.words)
    sys.exit(1 if any(s["planned"] > s["done"] for s in plan.figures["services"]) else 0)


@contextmanager
def _bar() -> Iterator[Callable[[float, float], None]]:
    """Progress on standard error: the share of the budget that is gone, and of the work that is planned by now."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[share]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("plan", total=1.0, share="")

        def tell(gone: float, share: float) -> None:
            progress.update(task, completed=gone, share=f"{share:.1%}")

        yield tell


def _table(found: dict[str, Any], texts: Any) -> None:
    table = Table(*texts.head(), box=None, pad_edge=False)
    for row in texts.lines(found):
        table.add_row(*("" if value is None else f"{value}" for value in row))
    wide = None if sys.stdout.isatty() else 200  # a file or a pipe has no edge
    Console(markup=False, highlight=False, width=wide).print(table)
