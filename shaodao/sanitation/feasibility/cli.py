"""`shaodao sanitation feasibility DATE`."""

import sys
from datetime import datetime

import click
import orjson
from rich.console import Console
from rich.table import Table

LANGUAGES = {"zh": "zh-hans", "en": "en"}


@click.command()
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True)
def feasibility(date: datetime, as_json: bool, lang: str) -> None:
    """Can the day's services be done with this fleet and this water? What is cut, and what would help.

    Exit code 0 where everything due fits (or nothing is due), 1 where it does not.
    """
    from django.utils import translation

    from shaodao.sanitation.feasibility import texts
    from shaodao.sanitation.feasibility.facts import read
    from shaodao.sanitation.feasibility.reckon import reckon

    with translation.override(LANGUAGES[lang]):
        verdict = reckon(read(date.date()))
        if as_json:
            click.echo(orjson.dumps(texts.as_dict(verdict)).decode())
        else:
            table = Table(box=None, pad_edge=False)
            for row in texts.lines(verdict):
                table.add_row(*row)
            console = Console(markup=False, highlight=False)
            console.print(table)
            console.print(texts.headline(verdict))
    sys.exit(1 if verdict.feasible is False else 0)
