"""`shaodao sanitation bins DATE`."""

from datetime import datetime

import click
import orjson


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
