"""`shaodao sanitation weather [FILE]`."""

import sys
from pathlib import Path
from typing import Any

import click
import orjson


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--fetch", is_flag=True, help="From the address that the pack names, instead of a file.")
@click.option("--dry-run", is_flag=True, help="Only say what the file would do.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def weather(file: Path | None, fetch: bool, dry_run: bool, as_json: bool) -> None:
    """Take in hours of weather: a table (CSV, .xlsx: day, hour, air_c, ground_c, wind_level), or JSON as Open-Meteo gives it.

    Exit code 0; 1 if some rows could not be used (they are named, the others are taken in); 2 if the file is none.
    """
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.weather import fetching

    if fetch == (file is not None):
        raise click.UsageError("Either FILE or --fetch.")
    try:
        result = fetching.fetch() if file is None else _of_file(file, dry_run)
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    for problem in result.get("problems", []):
        click.echo(f"{problem['file']}:{problem['row']} [{problem['column']}] {problem['what']}", err=True)
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        click.echo("\n".join(f"{k}: {v}" for k, v in result.items() if k != "problems"))
    sys.exit(1 if result.get("rejected") else 0)


def _of_file(file: Path, dry_run: bool) -> dict[str, Any]:
    from shaodao.book import actions
    from shaodao.book import files as bookfiles
    from shaodao.cases.actions import Actor
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.kinds import WEATHER
    from shaodao.sanitation.weather import readings

    if file.suffix.lower() == ".json":
        drafts = readings.open_meteo(file.read_bytes())
        counts = actions.preview(WEATHER, drafts).as_dict()
        if not dry_run:
            actions.bring_in(WEATHER, drafts, Actor.system(), source=file.name)
        return {"read": len(drafts), "rejected": 0, **counts, "problems": []}
    with file.open("rb") as opened:
        found = bookfiles.plan(WEATHER, opened)
    found.name = file.name
    if found.problems and not found.drafts and not found.bad:
        raise Unreadable(str(found.problems[0]))
    if found.drafts and not dry_run:
        bookfiles.carry_out(found, Actor.system())
    return found.as_dict()
