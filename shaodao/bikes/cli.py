"""`shaodao bikes …`: files and feeds, judged and taken in. Exit codes and `--json` as in `shaodao/cli.py`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from shaodao.bikes.ingest.cli import ingest, pull
from shaodao.bikes.rebalancing.cli import rebalance
from shaodao.bikes.reports.cli import day_report

if TYPE_CHECKING:
    from shaodao.bikes.gbfs.audit import Report

LANGUAGES = {"zh": "zh-hans", "en": "en"}


@click.group()
def bikes() -> None:
    """Shared bikes: audit an operator's feed, judge where bikes stand, take in their positions, report days, advise on moves."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


bikes.add_command(ingest)
bikes.add_command(pull)
bikes.add_command(day_report)
bikes.add_command(rebalance)


@bikes.command("demo-feed", hidden=True)
@click.option("--every", default=60, show_default=True, type=click.IntRange(1), help="Seconds between two sendings.")
def demo_feed(every: int) -> None:
    """Let the bikes of illustrative operators move and send positions, until stopped. `shaodao run --demo` starts it."""
    import signal

    from shaodao.bikes import demo_street
    from shaodao.foundation import clock

    stop = {"asked": False}
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_args: stop.update(asked=True))
    demo_street.start(clock.now())
    demo_street.go_on(every, lambda: stop["asked"])


@bikes.command("check-feed")
@click.argument("source", metavar="URL_OR_DIR")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True, help="Of the findings.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=20.0, show_default=True, help="Seconds per file.")
def check_feed(source: str, as_json: bool, lang: str, timeout: float) -> None:
    """Audit a GBFS feed, 2.0 to 3.1-RC: the address of a gbfs.json, or a folder with its files.

    Exit code 0 without errors (warnings do not count), 1 with errors, 2 if the argument is neither.
    """
    from django.utils import translation

    from shaodao.bikes.gbfs.audit import audit
    from shaodao.foundation import clock

    with translation.override(LANGUAGES[lang]):
        try:
            report = audit(source, clock.now(), timeout)
        except ValueError as reason:
            raise click.BadParameter(str(reason), param_hint="URL_OR_DIR") from None
        if as_json:
            click.echo(orjson.dumps(report.as_dict()).decode())
        else:
            show(report)
    sys.exit(1 if report.errors else 0)


DATUM = click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@bikes.command("judge")
@click.option("--bays", required=True, type=FILE, help="CSV of corners, GeoJSON, GeoPackage, Shapefile (zip).")
@click.option("--positions", required=True, type=FILE, help="Parquet or CSV with lon and lat, GeoJSON points.")
@click.option("--tolerance", default=10.0, show_default=True, type=click.FloatRange(0, 200), help="Metres.")
@click.option(
    "--accuracy", type=click.FloatRange(0), help="Metres within which positions are true; makes a class uncertain."
)
@click.option("--bays-datum", default="WGS-84", show_default=True, type=DATUM)
@click.option("--positions-datum", default="WGS-84", show_default=True, type=DATUM)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="A Parquet file.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def judge(
    bays: Path, positions: Path, tolerance: float, accuracy: float | None, bays_datum: str, positions_datum: str,
    out: Path, as_json: bool,
) -> None:  # fmt: skip
    """Say of every position in which bay it stands: a row each with row, bay, distance_m, class, confidence.

    Exit code 0; 1 if some bays could not be used (they are named, the others are judged); 2 if a file cannot be read.
    """
    from shaodao.bikes import judging
    from shaodao.bikes.bays import files as bayfiles
    from shaodao.foundation import maps

    try:
        shapes = bayfiles.together(bayfiles.read(bays, bays_datum))
        found = judging.judge(shapes, positions, out, tolerance=tolerance, accuracy=accuracy, datum=positions_datum)
    except (maps.Unreadable, ValueError) as error:
        raise click.UsageError(str(error)) from None
    for fault in shapes.faults[:50]:
        click.echo(f"{bays.name} row {fault.row} {fault.id}: {fault.what}", err=True)
    if len(shapes.faults) > 50:
        click.echo(f"… and {len(shapes.faults) - 50} more", err=True)
    result = found.as_dict()
    click.echo(orjson.dumps(result).decode() if as_json else "\n".join(f"{k}: {v}" for k, v in result.items()))
    sys.exit(1 if shapes.faults else 0)


@bikes.command("mqtt")
def mqtt() -> None:
    """Take in positions that operators publish by MQTT, until told to stop. Off unless MQTT_URL is set.

    Run it once; `shaodao run` starts it by itself where MQTT_URL is set.
    """
    import logging

    from django.conf import settings

    from shaodao.bikes.ingest.sources.mqtt import take
    from shaodao.foundation import listen

    if not settings.MQTT_URL:
        click.echo("MQTT: off; set MQTT_URL (mqtt://user:password@host:1883) to take in positions by MQTT")
        return
    try:
        broker = listen.Broker.of(settings.MQTT_URL)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    logging.getLogger("shaodao.mqtt").setLevel(logging.INFO)
    listen.run(broker, take, lambda topic: click.echo(f"MQTT: {broker.host}:{broker.port}, topic {topic}"))


def show(report: "Report") -> None:
    """The report as a table for a person, errors first, then one line with the sums."""
    from django.utils.translation import gettext as _

    console = Console(markup=False, highlight=False)
    rows: list[tuple[str, str, Any]] = [(_("错误"), "red", f) for f in report.errors]
    rows += [(_("提醒"), "yellow", f) for f in report.warnings]
    if rows:
        table = Table(box=None, pad_edge=False)
        for heading in ("", _("文件"), _("位置"), _("问题")):
            table.add_column(heading, overflow="fold")
        for level, style, finding in rows:
            table.add_row(level, finding.file, finding.path, finding.what, style=style)
        console.print(table)
    words = {"version": report.version or "?", "files": len(report.files)}
    words |= {"errors": len(report.errors), "warnings": len(report.warnings)}
    console.print(_("GBFS %(version)s，%(files)d 个文件：%(errors)d 个错误，%(warnings)d 个提醒") % words)
