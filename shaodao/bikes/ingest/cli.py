"""`shaodao bikes ingest` and `pull`: positions of a file, or of a feed. Exit codes and `--json` as in `shaodao/cli.py`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from shaodao.foundation.progress import bar

if TYPE_CHECKING:
    from shaodao.bikes.models import Operator

LANGUAGES = {"zh": "zh-hans", "en": "en"}
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
LANG = click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True, help="Of the words.")


def operator_of(code: str) -> "Operator":
    """The operator of that code; click's error where there is none."""
    from shaodao.bikes.models import Operator

    found = Operator.objects.select_related("organisation").filter(organisation__code=code).first()
    if found is None:
        raise click.BadParameter(f"no operator {code!r}", param_hint="--operator")
    return found


@click.command("ingest")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--operator", "code", required=True, help="Code of the operator whose vehicles these are.")
@click.option(
    "--datum", default="WGS-84", show_default=True, type=click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])
)
@LANG
@JSON
def ingest(file: Path, code: str, datum: str, lang: str, as_json: bool) -> None:
    """Take in the positions of a CSV (also .csv.gz) or Parquet file: vehicle_id, time, lon, lat, accuracy, state.

    Exit code 0; 1 if rows were rejected for another reason than being known already (they are counted, the first are
    named); 2 if nothing was taken in: the file is not whole, lacks a column, or the operator may not send.
    """
    from django.utils import translation

    from shaodao.bikes.actions import feeding
    from shaodao.bikes.ingest import plausible
    from shaodao.cases.actions import Actor
    from shaodao.foundation.errors import Refused
    from shaodao.foundation.maps import Unreadable

    with translation.override(LANGUAGES[lang]):
        try:
            with bar(file.name) as move:
                found = feeding.take_file(operator_of(code), file, datum, Actor.system(), progress=move)
        except (Unreadable, Refused) as error:
            raise click.UsageError(f"{file.name}: {error}") from None
        result = found.as_dict()
        for text in plausible.said(found.looks, 0, datum):
            click.echo(text, err=True)
    click.echo(orjson.dumps(result).decode() if as_json else _said(result))
    sys.exit(1 if result["rejected"] > result["reasons"].get("duplicate", 0) else 0)


@click.command("pull")
@click.option("--operator", "code", help="Only the feed of this operator.")
@LANG
@JSON
def pull(code: str | None, lang: str, as_json: bool) -> None:
    """Fetch the operators' GBFS feeds now and take in the positions; the clock (`shaodao tick`) does so when they are due.

    Exit code 0; 1 if a feed is down or brought nothing that can be read (the others are taken in); 2 if the operator
    has no feed, or may not send.
    """
    from django.utils import translation

    from shaodao.bikes.actions import feeding
    from shaodao.bikes.ingest.sources import gbfs
    from shaodao.cases.actions import Actor
    from shaodao.foundation import clock
    from shaodao.foundation.errors import Refused

    with translation.override(LANGUAGES[lang]):
        try:
            if code is not None:
                found = [feeding.pull_feed(operator_of(code), Actor.system())]
            else:
                found = list(gbfs.pull(feeding.due_feeds(early=True), clock.now()))
        except Refused as error:
            raise click.UsageError(str(error)) from None
    rows = [pulled.as_dict() for pulled in found]
    if as_json:
        click.echo(orjson.dumps({"feeds": rows}).decode())
    for row in [] if as_json else rows:
        counts = " ".join(f"{name} {row[name]}" for name in ("received", "kept", "rejected"))
        click.echo(f"{row['operator']}: {'ok' if row['ok'] else 'failed'}, {counts} {row['fault']}".rstrip())
    sys.exit(0 if all(row["ok"] for row in rows) else 1)


def _said(result: dict[str, Any]) -> str:
    lines = [f"{name}: {result[name]}" for name in ("received", "kept", "rejected")]
    lines += [f"  {kind} {code}: {n}" for kind in ("reasons", "marked") for code, n in result[kind].items()]
    for row in result["examples"]:
        where = f"line {row['line']}" if row["line"] else f"row {row['row']}"
        lines.append(f"  {where} {row['vehicle_id']!r}: {row['what']}")
    return "\n".join(lines)
