"""`shaodao sanitation bins DATE`, `bin-tours ROUND`."""

import sys
from datetime import datetime

import click
import orjson

from shaodao.sanitation.feasibility.cli import LANGUAGES


@click.command()
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def bins(date: datetime, as_json: bool) -> None:
    """What was done at the litter bins on a day, against the promise of their rounds."""
    from django.utils import translation

    from shaodao.foundation.naming import named
    from shaodao.sanitation.bins import day
    from shaodao.sanitation.words import BinTask

    found = day.of(date.date())
    if as_json:
        click.echo(orjson.dumps(day.as_dict(found)).decode())
        return
    with translation.override("zh-hans"):
        for line in found.lines:
            click.echo(f"{line.round.code} {named(line.round)}: {line.bins}, {len(line.short)} ✗")
            for task, rate in line.rates.items():
                click.echo(f"  {BinTask(task).label} {rate.done}/{rate.planned}  ? {rate.unsure}")


@click.command("bin-tours")
@click.argument("code", metavar="ROUND")
@click.option("--kmh", default=10.0, show_default=True, type=click.FloatRange(0.5, 80), help="Of a cart between bins.")
@click.option("--stop", default=60.0, show_default=True, type=click.FloatRange(1, 3600), help="Seconds at a bin.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True)
def bin_tours(code: str, kmh: float, stop: float, as_json: bool, lang: str) -> None:
    """In which order the bins of ROUND are visited, and how many carts each of its windows needs.

    Exit code 0; 1 where a window is too short for a single bin, 2 for a round that cannot be.
    """
    from django.utils import translation

    from shaodao.foundation.errors import Invalid
    from shaodao.sanitation.bins.tours import tours

    with translation.override(LANGUAGES[lang]):
        try:
            found = tours(code, kmh=kmh, stop_s=stop)
        except Invalid as error:
            raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(orjson.dumps(found).decode())
    else:
        click.echo(f"{found['round']}: {found['bins']} bins, {found['visits']} visits a day, depot {found['depot']}")
        for w in found["windows"]:
            click.echo(f"{w['window']}: {w['carts']} carts, {w['metres'] / 1000:.1f} km {w['why']}".rstrip())
    sys.exit(1 if any(w["carts"] is None for w in found["windows"]) else 0)
