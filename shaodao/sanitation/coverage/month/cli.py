"""`shaodao analyse coverage`: what was serviced in a month of tracks. Exit codes and `--json` as in `shaodao/cli.py`."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import orjson

from shaodao.sanitation.coverage.cli import DATUM, FILE, KINDS

OUT = click.Path(dir_okay=False, path_type=Path)
LANGUAGES = {"zh": "zh-hans", "en": "en"}


@click.command("coverage")
@click.option("--roads", required=True, type=FILE, help="GeoJSON, GeoPackage or Shapefile (zip) with lines.")
@click.option(
    "--tracks",
    required=True,
    help="Folder of Parquet files, at any depth, or a pattern: vehicle, time, lon, lat; speed, heading, working.",
)
@click.option("--service", "kind", required=True, type=click.Choice(KINDS, case_sensitive=False))
@click.option("--out", type=OUT, help="All passes with their gaps, a Parquet file.")
@click.option("--days", type=OUT, help="Segments by day with passes and serviced metres, a Parquet file.")
@click.option("--engine", default="embedded", show_default=True, type=click.Choice(["embedded", "spark"]))
@click.option(
    "--master", default="local[*]", show_default=True, help="Of Spark: local[*], local-cluster[2,1,2048], spark://…"
)
@click.option(
    "--working-kmh",
    type=click.FloatRange(1, 100),
    help="Speed up to which (and a fifth above) it is work.  [default: by service]",
)
@click.option(
    "--asked", type=click.FloatRange(0.01, 1), help="Share of a segment that a done pass has serviced.  [default: 0.9]"
)
@click.option("--datum", default="WGS-84", show_default=True, type=DATUM, help="Of roads and tracks.")
@click.option("--roads-datum", type=DATUM, help="Of the roads, if another.")
@click.option("--tracks-datum", type=DATUM, help="Of the tracks, if another.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Of days, and of times that state none.")
@click.option(
    "--oneway",
    default="file",
    show_default=True,
    type=click.Choice(["file", "yes", "no"]),
    help="Roads: as the file says, or all.",
)
@click.option("--swap", is_flag=True, help="The tracks' latitude and longitude are swapped.")
@click.option("--speed-unit", type=click.Choice(["kmh", "ms"]), help="Of a speed column whose name states none.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True, help="Of the messages.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def coverage(
    roads: Path, tracks: str, kind: str, out: Path | None, days: Path | None, engine: str, master: str, working_kmh: float | None,
    asked: float | None, datum: str, roads_datum: str | None, tracks_datum: str | None, zone: str, oneway: str, swap: bool,
    speed_unit: str | None, lang: str, as_json: bool,
) -> None:  # fmt: skip
    """Say what the vehicles of TRACKS serviced of every segment, day by day: as `shaodao sanitation coverage`, for months.

    Exit code 0; 1 if a file is broken or the cluster failed; 2 if the call cannot be right.
    """
    from django.utils import translation

    from shaodao.foundation import parquets, spark
    from shaodao.foundation.maps import Unreadable
    from shaodao.sanitation.coverage.month import result

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"{zone} is no time zone, write one like Asia/Shanghai", param_hint="--zone") from None
    for option, path in (("--out", out), ("--days", days)):
        if path and not path.parent.is_dir():
            raise click.UsageError(f"{option}: no folder {path.parent}")
    given = result.Given(
        roads,
        tracks,
        kind,
        working_kmh,
        asked,
        roads_datum or datum,
        tracks_datum or datum,
        zone,
        swap,
        oneway,
        speed_unit,
    )
    with translation.override(LANGUAGES[lang]):
        try:
            found = result.analyse(given, engine=engine, master=master, out=out, days=days)
        except (Unreadable, spark.Absent) as error:
            raise click.UsageError(str(error)) from None
        except (parquets.Broken, spark.Failed) as error:
            raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(orjson.dumps(found).decode())
        return
    for name, value in found.items():
        if name not in ("segments", "days", "warnings", "faults"):
            click.echo(f"{name}: {value}")
    for row in found["days"]:
        click.echo("  ".join(f"{key} {value}" for key, value in row.items()))
    for row in found["warnings"]:
        click.echo(f"{row['kind']}: {row['what']}", err=True)
    for row in found["faults"][:50]:
        click.echo(f"{row['file']} row {row['row']}: {row['what']}", err=True)
