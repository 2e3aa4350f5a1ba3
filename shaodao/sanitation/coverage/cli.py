"""`shaodao sanitation coverage` and `recompute`: what was serviced, from files alone, and the proof of it."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import orjson
from rich.console import Console
from rich.table import Table

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DATUM = click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"], case_sensitive=False)
KINDS = ("flush", "sprinkle", "mist", "sweep", "pavement_wash", "dust_removal")


@click.command("coverage")
@click.option("--roads", required=True, type=FILE, help="GeoJSON, GeoPackage or Shapefile (zip) with lines.")
@click.option(
    "--tracks",
    required=True,
    type=FILE,
    help="CSV, TSV (also gz), NDJSON, GeoJSON points or Parquet: time, lon, lat; vehicle, speed, heading, working.",
)
@click.option("--service", "kind", required=True, type=click.Choice(KINDS, case_sensitive=False))
@click.option(
    "--working-kmh",
    type=click.FloatRange(1, 100),
    help="Speed up to which (and a fifth above) it is work.  [default: by service]",
)
@click.option(
    "--asked", type=click.FloatRange(0.01, 1), help="Share of a segment that a done pass has serviced.  [default: 0.9]"
)
@click.option("--datum", default="WGS-84", show_default=True, type=DATUM, help="Of both files.")
@click.option("--roads-datum", type=DATUM, help="Of the roads, if another.")
@click.option("--tracks-datum", type=DATUM, help="Of the tracks, if another.")
@click.option(
    "--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Only this day; also the day of times without a date."
)
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Of times that state none, and of the answer.")
@click.option(
    "--oneway",
    default="file",
    show_default=True,
    type=click.Choice(["file", "yes", "no"]),
    help="Roads: as the file says, or all.",
)
@click.option("--swap", is_flag=True, help="The tracks' latitude and longitude are swapped.")
@click.option("--certificate", type=click.Path(dir_okay=False, path_type=Path), help="Write the proof here.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def coverage(
    roads: Path, tracks: Path, kind: str, working_kmh: float | None, asked: float | None, datum: str, roads_datum: str | None,
    tracks_datum: str | None, day: datetime | None, zone: str, oneway: str, swap: bool, certificate: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Say of every segment and direction of ROADS how much of it the TRACKS serviced, in which passes, and what is left.

    Metres are those between fixes along the carriageway, with the equipment on and at a working speed; each pass is done,
    short, or one cannot tell. Exit code 0, also with faults in some rows (they are listed); 2 if a file cannot be used.
    """
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.coverage import files

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"{zone} is no time zone, write one like Asia/Shanghai", param_hint="--zone") from None
    given = files.Given(
        *(roads, tracks, kind, working_kmh, asked, roads_datum or datum, tracks_datum or datum, zone),
        *(day and day.date(), swap, oneway, time.time()),
    )
    try:
        found = files.prove(given)
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    if certificate:
        certificate.write_bytes(orjson.dumps(found.certificate, option=orjson.OPT_INDENT_2))
    if as_json:
        click.echo(orjson.dumps(found.answer).decode())
    else:
        _show(found.answer)


@click.command("recompute")
@click.argument("certificate", type=FILE, required=False)
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="The stored proof of this day instead, from its stored tracks."
)
@click.option("--roads", type=FILE, help="[default: the file of that name beside the certificate]")
@click.option("--tracks", type=FILE, help="[default: the file of that name beside the certificate]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def recompute(
    certificate: Path | None, day: datetime | None, roads: Path | None, tracks: Path | None, as_json: bool
) -> None:
    """Compute the verdicts of CERTIFICATE (or of a day's stored proof) again from the raw data: the same, or what differs.

    Exit code 0 if they are the same; 1 if something differs; 2 if a file cannot be read.
    """
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.coverage import files
    from shaodao.sanitation.proof.cli import recompute_day

    if (certificate is None) == (day is None):
        raise click.UsageError("give a CERTIFICATE or a --day")
    if day is not None:
        recompute_day(day.date(), as_json)
    assert certificate
    try:
        known = json.loads(certificate.read_bytes())
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{certificate.name}: {str(error)[:200]}") from None
    try:
        found = files.recompute(known, certificate.parent, roads, tracks)
    except Unreadable as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        click.echo(orjson.dumps({"certificate": certificate.name, "same": not found, "differences": found}).decode())
    else:
        click.echo("same" if not found else "\n".join(_differs(row) for row in found))
    sys.exit(1 if found else 0)


def _differs(row: dict[str, Any]) -> str:
    told = f"{row['what']}: was {row['was']}, now {row['now']}"
    return told + (f"; segments ({row['changed']}): {', '.join(row['segments'])}" if "segments" in row else "")


def _show(answer: dict[str, Any]) -> None:
    """The answer for a person: segments that have passes, then sums, then what to look at."""
    table = Table("segment", "direction", "length m", "serviced m", "rate", "passes", "verdict", "gaps m")
    for row in answer["segments"]:
        if row["passes"]:
            gaps = ", ".join(f"{gap['from_m']:.0f}-{gap['to_m']:.0f}" for gap in row["gaps"][:4])
            table.add_row(
                *(
                    row["id"],
                    row["direction"],
                    f"{row['length_m']:.0f}",
                    f"{row['serviced_m']:.0f}",
                    f"{row['rate']:.1%}",
                ),
                *(f"{len(row['passes'])}", row["verdict"], gaps + (" …" if len(row["gaps"]) > 4 else "")),
            )
    if table.row_count:
        Console(markup=False).print(table)
    for name in ("totals", "features", "fixes"):
        click.echo(f"{name}: " + ", ".join(f"{key} {value}" for key, value in answer[name].items()))
    for row in answer["warnings"]:
        click.echo(f"{row['kind']}: {row['what']}", err=True)
    for row in answer["faults"][:50]:
        click.echo(f"{row['file']} row {row['row']}: {row['what']}", err=True)
