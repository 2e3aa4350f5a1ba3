"""`shaodao sanitation redraw DAY-NUMBER`."""

import sys

import click
import orjson


@click.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def redraw(name: str, as_json: bool) -> None:
    """Draw a sample (2026-06-15-1) again from its seed: the same segments, or what changed in the book since.

    Exit code 0: the same; 1: not; 2: there is no such sample.
    """
    from shaodao.sanitation.inspections import queries

    found = queries.named_round(name)
    if found is None:
        click.echo(f"no sample {name}", err=True)
        sys.exit(2)
    answer = queries.drawn_again(found)
    if as_json:
        click.echo(orjson.dumps(answer).decode())
    else:
        click.echo("same" if answer["same"] else "different: the list of segments has changed since")
    sys.exit(0 if answer["same"] else 1)
