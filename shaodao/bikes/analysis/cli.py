"""`shaodao analyse …`: large sets of files, on one machine or many. Exit codes and `--json` as in `shaodao/cli.py`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

if TYPE_CHECKING:
    from shaodao.bikes.bays.files import BayFile

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIR = click.Path(exists=True, file_okay=False, path_type=Path)
LANGUAGES = {"zh": "zh-hans", "en": "en"}


@click.group()
def analyse() -> None:
    """Large sets of files, on one machine or many."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


def _by(_context: click.Context, _option: click.Parameter, value: str) -> tuple[str, ...]:
    asked = tuple(name.strip() for name in value.split(",") if name.strip())
    for name in asked:
        if name not in ("bay", "day", "hour", "operator"):
            raise click.BadParameter(f"{name!r} is not one of day, hour, operator")
    return asked


def in_force() -> "BayFile":
    """The bays by which the program itself judges now, in the order of their codes. Raises Unreadable if there is none."""
    import numpy as np
    from django.db import DatabaseError
    from django.utils.translation import gettext as _

    from shaodao.bikes import ground
    from shaodao.bikes.bays.files import BayFile
    from shaodao.bikes.models import Bay
    from shaodao.foundation.maps import Unreadable

    try:
        rows = list(ground.near(Bay.objects.filter(active=True)).order_by("code").values_list("code", "geometry"))
    except DatabaseError:  # not even the tables
        rows = []
    if not rows:
        raise Unreadable(_("数据库里没有点位：写明 --bays，或先用 shaodao bikes import-bays 导入"))
    codes = [code for code, _geometry in rows]
    return BayFile(codes, ground.shapes([geometry for _code, geometry in rows]), np.arange(len(rows)), len(rows))


@analyse.command("parking")
@click.option("--positions", required=True, type=DIR, help="Folder of Parquet files, at any depth.")
@click.option(
    "--bays",
    type=FILE,
    help="CSV of corners, GeoJSON, GeoPackage, Shapefile (zip); without: those in force in the database.",
)
@click.option(
    "--bays-datum", default="WGS-84", show_default=True, type=click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])
)
@click.option("--tolerance", default=10.0, show_default=True, type=click.FloatRange(0, 200), help="Metres.")
@click.option(
    "--accuracy", type=click.FloatRange(0), help="Metres within which positions are true; makes a class uncertain."
)
@click.option("--engine", default="duckdb", show_default=True, type=click.Choice(["duckdb", "spark"]))
@click.option(
    "--master", default="local[*]", show_default=True, help="Of Spark: local[*], local-cluster[2,1,2048], spark://…"
)
@click.option(
    "--by", default="day,hour,operator", show_default=True, callback=_by, help="Groups of the table, beside bays."
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The full table, a Parquet file.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True, help="Of the messages.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def parking(
    positions: Path, bays: Path | None, bays_datum: str, tolerance: float, accuracy: float | None, engine: str, master: str,
    by: tuple[str, ...], out: Path | None, lang: str, as_json: bool,
) -> None:  # fmt: skip
    """Count positions in, near and outside bays by day, hour and operator.

    Exit code 0; 1 if a file is broken or some bays could not be used (they are named, the others count); 2 if the call cannot be right.
    """
    from django.utils import translation

    from shaodao.bikes.analysis import files, result
    from shaodao.bikes.bays import files as bayfiles
    from shaodao.foundation import maps, parquets, spark

    with translation.override(LANGUAGES[lang]):
        try:
            shapes = bayfiles.together(bayfiles.read(bays, bays_datum)) if bays else in_force()
            if out and not out.parent.is_dir():
                raise ValueError(f"--out: no folder {out.parent}")
            found = result.analyse(
                positions, shapes,
                tolerance=tolerance, accuracy=accuracy, engine=engine, master=master, by=by, out=out,
            )  # fmt: skip
        except (maps.Unreadable, files.Wrong, spark.Absent, ValueError) as error:
            raise click.UsageError(str(error)) from None
        except (parquets.Broken, spark.Failed) as error:
            raise click.ClickException(str(error)) from None
    for fault in shapes.faults[:50]:
        click.echo(f"{bays.name if bays else ''} row {fault.row} {fault.id}: {fault.what}", err=True)
    if len(shapes.faults) > 50:
        click.echo(f"… and {len(shapes.faults) - 50} more", err=True)
    click.echo(orjson.dumps(found).decode() if as_json else "\n".join(f"{k}: {v}" for k, v in found.items()))
    sys.exit(1 if shapes.faults else 0)
