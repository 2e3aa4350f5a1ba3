"""`shaodao sanitation import-roads FILE`, `export-roads`."""

import sys
from pathlib import Path

import click
import orjson

DATUM = click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"])


@click.command("import-roads")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--datum", default="WGS-84", show_default=True, type=DATUM, help="What plain degrees mean.")
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@click.option("--source", default="", help="Where the roads are from (default: the file's name).")
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def import_roads(file: Path, datum: str, dry_run: bool, source: str, as_json: bool) -> None:
    """Bring in roads (GeoJSON, GeoPackage): checked, split at junctions, one segment for each direction.

    Exit code 0; 1 if some features could not be used (they are named, the others are brought in); 2 if the file is none.
    """
    from shaodao.cases.actions import Actor
    from shaodao.sanitation.roads import imports

    try:
        found = imports.plan(file, datum=datum)
    except imports.Unreadable as error:
        raise click.UsageError(str(error)) from None
    if not dry_run:
        imports.carry_out(found, Actor.system(), source=source)
    for fault in found.rejected[:50]:
        click.echo(f"{file.name} {fault.row} {fault.id}: {fault.what}", err=True)
    result = found.as_dict()
    if as_json:
        click.echo(orjson.dumps(result).decode())
    else:
        click.echo("\n".join(f"{k}: {v}" for k, v in result.items() if k != "rejections"))
    sys.exit(1 if found.rejected else 0)


@click.command("export-roads")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".geojson")
def export_roads(output: Path) -> None:
    """Write the segments in force as GeoJSON, which an import takes back unchanged."""
    from shaodao.book.queries import listed
    from shaodao.sanitation.kinds import SEGMENT
    from shaodao.sanitation.roads import exports

    rows = listed(SEGMENT).select_related("road").filter(road__active=True)
    with output.open("wb") as out:
        out.writelines(exports.write_geojson(rows))
    click.echo(f"{rows.count()} segments: {output}", err=True)
