"""`shaodao sanitation ingest FILE`, `tracks DATE`, `mqtt`, `box-token BOX`. Exit codes and `--json` as in `shaodao/cli.py`."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import orjson

from shaodao.foundation.progress import bar

LANGUAGES = {"zh": "zh-hans", "en": "en"}
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
LANG = click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True, help="Of the words.")
DATUM = click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])


@click.command("ingest")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--datum", default="WGS-84", show_default=True, type=DATUM, help="Of rows that name no box.")
@LANG
@JSON
def ingest(file: Path, datum: str, lang: str, as_json: bool) -> None:
    """Take in fixes of a CSV (also .csv.gz) or Parquet file: vehicle or box, time, lon, lat, speed_kmh, heading, working.

    Exit code 0; 1 if rows were left out (counted, the first are named), the others are kept; 2 if nothing was taken in:
    the file is not whole or lacks a column.
    """
    from django.utils import translation

    from shaodao.cases.actions import Actor
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.tracks import files, receive

    with translation.override(LANGUAGES[lang]):
        try:
            with bar(file.name) as move:
                found = files.take_file(file, datum, Actor.system(), progress=move)
        except Unreadable as error:
            raise click.UsageError(f"{file.name}: {error}") from None
        result = found.as_dict() | {"faults": receive.said(found.faults)}
    click.echo(orjson.dumps(result).decode() if as_json else _said(result, first=2))
    sys.exit(1 if found.rejected else 0)


@click.command("tracks")
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@LANG
@JSON
def tracks(date: datetime, lang: str, as_json: bool) -> None:
    """What there is of each vehicle on a day, and what came in on that day by each door.

    Exit code 0; 1 if there is nothing of that day.
    """
    from django.utils import translation

    from shaodao.sanitation.tracks import summary

    with translation.override(LANGUAGES[lang]):
        found = summary.as_dict(date.date())
    click.echo(orjson.dumps(found, default=str).decode() if as_json else _day(found))
    sys.exit(0 if found["fixes"] else 1)


@click.command("box-token")
@click.argument("box")
@click.option("--revoke", is_flag=True, help="Take the token away instead.")
def box_token(box: str, revoke: bool) -> None:
    """A new token for a box, shown this once; the one before ends. Exit code 2: there is no such box."""
    from shaodao.cases.actions import Actor
    from shaodao.sanitation.models import Box
    from shaodao.sanitation.tracks import keys

    row = Box.objects.filter(code=box, active=True).first()
    if row is None:
        raise click.BadParameter(f"no box {box!r}", param_hint="BOX")
    if revoke:
        keys.revoke(row, Actor.system())
        click.echo(f"{box}: revoked", err=True)
    else:
        click.echo(keys.issue(row, Actor.system()))


@click.command("mqtt")
def mqtt() -> None:
    """Take in fixes that boxes publish by MQTT, until told to stop. Off unless MQTT_URL is set.

    Run it once; `shaodao run` starts it by itself where MQTT_URL is set.
    """
    import logging

    from django.conf import settings

    from shaodao.foundation import listen
    from shaodao.sanitation.tracks import mqtt as door

    if not settings.MQTT_URL:
        click.echo("MQTT: off; set MQTT_URL (mqtt://user:password@host:1883) to take in fixes by MQTT")
        return
    try:
        broker = door.broker(settings.MQTT_URL)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    logging.getLogger("shaodao.mqtt").setLevel(logging.INFO)
    listen.run(broker, door.take, lambda topic: click.echo(f"MQTT: {broker.host}:{broker.port}, topic {topic}"))


def _said(result: dict[str, Any], first: int) -> str:
    lines = [f"{name}: {result[name]}" for name in ("received", "kept", "known", "rejected")]
    lines += [f"  {kind} {code}: {n}" for kind in ("reasons", "marked", "days") for code, n in result[kind].items()]
    lines += [
        f"  line {f['row'] + first} {f['vehicle'] or f['box']!r} {f['field']}: {f['what']}"
        for f in result["faults"][:20]
    ]
    return "\n".join(lines)


def _day(found: dict[str, Any]) -> str:
    lines = [f"{name}: {found[name]}" for name in ("day", "fixes", "vehicles_heard", "changed_at")]
    lines += [
        f"  {v['vehicle']}: {v['fixes']}, {v['first'] or '-'} – {v['last'] or '-'}, gaps {v['gaps']}"
        for v in found["vehicles"]
    ]
    for door in found["doors"]:
        lines.append(f"  {door['door']}: {door['received']} kept {door['kept']} known {door['known']} {door['faults']}")
    return "\n".join(lines)
