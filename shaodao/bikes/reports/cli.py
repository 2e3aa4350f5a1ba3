"""`shaodao bikes day-report`: a day's figures, from the program's own data or from files alone. Exit codes as in `shaodao/cli.py`."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from shaodao.bikes.ingest.cli import JSON, LANG, LANGUAGES

DATUM = click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SHOWN = (
    "positions",
    "vehicles",
    "in_bay",
    "near_bay",
    "outside",
    "uncertain",
    "in_zone",
    "bike_hours",
    "in_order_rate",
)


@click.command("day-report")
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="2026-11-30. Of files: needed if they hold several days."
)
@click.option("--operator", "code", default="", help="Only this operator (code).")
@click.option(
    "--positions",
    type=click.Path(exists=True, path_type=Path),
    help="A file, or a folder of files, instead of the program's own data.",
)
@click.option("--bays", type=FILE, help="Bays, for positions that were not judged yet.")
@click.option("--zones", type=FILE, help="No-parking zones, for positions that were not judged yet.")
@click.option("--tolerance", default=10.0, show_default=True, type=click.FloatRange(0, 200), help="Metres.")
@click.option("--accuracy", default=0.0, type=click.FloatRange(0), help="Metres, where the file does not say.")
@click.option("--datum", default="WGS-84", show_default=True, type=DATUM, help="Of positions that were not judged yet.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="An .xlsx or .pdf file, of the program's own data."
)
@click.option(
    "--everywhere", is_flag=True, help="Judge bikes outside of the district, too; such a report is not stored."
)
@LANG
@JSON
def day_report(
    day: datetime | None, code: str, positions: Path | None, bays: Path | None, zones: Path | None, tolerance: float,
    accuracy: float, datum: str, out: Path | None, everywhere: bool, lang: str, as_json: bool,
) -> None:  # fmt: skip
    """What a day was like: in order or not by operator, street and hour, and how many bikes.

    Without --positions from the program's own data: the report is made (or made anew, where it is not final) and shown with
    what else is known of the day. With it from files alone, the same figures. Exit code 0; 2 if there is nothing to go by.
    """
    from django.utils import translation

    from shaodao.foundation.documents import NoType
    from shaodao.foundation.errors import Refused
    from shaodao.foundation.maps import Unreadable

    if out and (positions or everywhere or out.suffix not in (".xlsx", ".pdf")):
        raise click.BadParameter("an .xlsx or .pdf file, without --positions and --everywhere", param_hint="--out")
    wanted = day.date() if day else None
    with translation.override(LANGUAGES[lang]):
        try:
            if positions is not None:
                found = _of_files(positions, wanted, code, bays, zones, tolerance, accuracy, datum, everywhere)
            else:
                found = _of_program(wanted, code, everywhere)
            if out:
                _write(out, date.fromisoformat(found["day"]), code)
        except (Unreadable, Refused, NoType, ValueError) as error:
            raise click.UsageError(str(error)) from None
    click.echo(orjson.dumps(found).decode() if as_json else said(found))


def _of_files(
    path: Path, day: date | None, code: str, bays: Path | None, zones: Path | None, tolerance: float, accuracy: float,
    datum: str, everywhere: bool,
) -> dict[str, Any]:  # fmt: skip
    from django.utils.translation import gettext as _

    from shaodao.bikes.bays import files as bayfiles
    from shaodao.bikes.reports import figures, offline
    from shaodao.foundation import maps

    ground = [None if file is None else bayfiles.read(file) for file in (bays, zones)]
    table = offline.read(
        path, code, bays=ground[0], zones=ground[1], tolerance=tolerance, accuracy=accuracy, datum=datum
    )
    if day is None:
        days = offline.days(table)
        if len(days) != 1:
            said = {"n": len(days), "days": f"{days[0]} … {days[-1]}" if days else "—"}
            raise maps.Unreadable(_("文件里有 %(n)d 天（%(days)s），要用 --day 说明哪一天") % said)
        (day,) = days
    found = figures.compute(table, day, everywhere=everywhere)
    if code:
        found["operators"] = {name: group for name, group in found["operators"].items() if name == code}
    return {"day": day.isoformat(), **found}


def _of_program(day: date | None, code: str, everywhere: bool) -> dict[str, Any]:
    from django.utils.translation import gettext as _

    from shaodao.bikes.ingest.cli import operator_of
    from shaodao.bikes.reports import daily
    from shaodao.foundation import clock

    now = clock.now()
    day = day or clock.local(now).date()
    if day > clock.local(now).date():
        raise ValueError(_("这一天还没有到"))
    only = operator_of(code) if code else None
    if everywhere:
        found = daily.count(day, everywhere=True).figures
        operators = {name: group for name, group in found["operators"].items() if not code or name == code}
        return {"day": day.isoformat(), **found, "operators": operators}
    return daily.report(day, now, only)


def _write(out: Path, day: date, code: str) -> None:
    """The report as a file, which appears only when it is whole."""
    from shaodao.bikes.models import DayReport
    from shaodao.bikes.reports.document import document

    rows = DayReport.objects.filter(day=day, latest=True).select_related("operator__organisation")
    row = rows.filter(operator__organisation__code=code).first() if code else rows.filter(operator=None).first()
    if row is None:
        raise ValueError(f"no report of {code} for {day}")
    unfinished = out.with_name(out.name + ".part")
    try:
        unfinished.write_bytes(document(row).file(out.suffix[1:]))
        unfinished.replace(out)
    except OSError as error:
        raise ValueError(f"{out.name}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def said(found: dict[str, Any]) -> str:
    """For a person: a line for each operator."""
    lines = [f"{found['day']}" + (f" v{found['version']}" if "version" in found else "")]
    for name, group in (("all", found["all"]), *found["operators"].items()):
        if group is not None:
            lines.append(f"{name}: " + ", ".join(f"{key} {group[key]}" for key in SHOWN))
    return "\n".join(lines)
