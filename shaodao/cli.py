"""The front door: `shaodao …`. Each command calls one action or query of a room and says what came of it.

Exit codes: 0 done; 1 done, and the answer is bad news (a broken chain, a faulty pack); 2 the call was wrong.
With `--json` the last line on standard output is one JSON object; everything else goes to standard error.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console

from shaodao import __version__
from shaodao.bikes.analysis.cli import analyse
from shaodao.bikes.cli import bikes
from shaodao.foundation.progress import bar
from shaodao.indicators.cli import stats
from shaodao.sanitation.cli import sanitation
from shaodao.sanitation.coverage.month.cli import coverage as month

talk = Console(stderr=True)
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DIR = click.Path(exists=True, file_okay=False, path_type=Path)


def ready() -> None:
    """Set Django up; every command that touches the database calls this first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
    import django

    django.setup()


def answer(result: dict[str, Any], as_json: bool) -> None:
    """Print a result for a machine (one line) or for a person (a line for each entry)."""
    if as_json:
        click.echo(orjson.dumps(result, default=str).decode())
        return
    for key, value in result.items():
        if isinstance(value, list):
            click.echo(f"{key}: {len(value)}")
            for row in value[:50]:
                said = (
                    [f"{v}" for k, v in row.items() if v != "" and (k, v) != ("row", 0)]
                    if isinstance(row, dict)
                    else [f"{row}"]
                )
                click.echo("  " + " ".join(said))
        else:
            click.echo(f"{key}: {value}")


class Wrong(click.ClickException):
    """The call was wrong: what was given cannot be right."""

    exit_code = 2

    @classmethod
    def given(cls, errors: dict[str, Any]) -> "Wrong":
        """From the faults of an action, by field."""
        return cls("; ".join(f"{name}: {text}" for name, text in errors.items()))


class Front(click.Group):
    """Says in a line what the machine refused: a folder that is not there, a database that does not answer."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:
            raise click.ClickException(f"{error.filename or ''} {error.strerror or error}".strip()) from None
        except Exception as error:
            if type(error).__module__ == "django.db.utils":
                raise click.ClickException(f"database: {error}".splitlines()[0]) from None
            raise


@click.group(cls=Front, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shaodao")
def main() -> None:
    """哨到 Shaodao: fine-grained management of a city district."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 64), help="Web processes.")
@click.option("--district", type=DIR, default=None, help="Pack to load into an empty database (default: pingcheng).")
@click.option("--demo", is_flag=True, help="Demonstration accounts and sample cases, marked as such on every page.")
def run(host: str, port: int, workers: int, district: Path | None, demo: bool) -> None:
    """Prepare the database if need be and serve the program."""
    ready()
    from shaodao.config import serve

    serve.prepare(district, demo=demo, bar=bar, talk=talk)
    sys.exit(serve.serve(host, port, workers, demo=demo, talk=talk))


def database(*, district: bool = False) -> None:
    """Make the tables of a brand-new database; with `district`, load the default pack where none is loaded yet.

    An existing database is left as it is: upgrading one is `shaodao run`'s or the operator's decision.
    """
    ready()
    from shaodao.config import serve

    serve.make_tables()
    if district:
        serve.load_district(None, demo=False, talk=talk)


@main.group()
def pack() -> None:
    """District packs: check one, load one."""


@pack.command("check")
@click.argument("directory", type=click.Path(path_type=Path))
@JSON
def pack_check(directory: Path, as_json: bool) -> None:
    """Check a pack without touching the database: names file, row, column and what would be right."""
    ready()
    from shaodao.foundation import pack as packs

    counts, problems = packs.check_pack(directory)
    answer(packs.result(counts, problems), as_json)
    sys.exit(1 if problems else 0)


@pack.command("load")
@click.argument("directory", type=DIR)
@click.option("--demo", is_flag=True, help="With the pack's demonstration accounts.")
@JSON
def pack_load(directory: Path, demo: bool, as_json: bool) -> None:
    """Load a pack: idempotent, all or nothing."""
    database()
    from shaodao.foundation import pack as packs

    try:
        counts, problems = packs.load_pack(directory, demo=demo), []
    except packs.PackError as error:
        counts, problems = {}, error.problems
    answer(packs.result(counts, problems), as_json)
    sys.exit(1 if problems else 0)


@main.group("import")
def import_() -> None:
    """Bring data in: letters, the catalogue as Excel."""


@import_.command("letters")
@click.argument("file", type=FILE)
@JSON
def import_letters(file: Path, as_json: bool) -> None:
    """Citizens' letters with official replies (CSV), at their true times, each row accounted for."""
    database(district=True)
    from shaodao.cases import letters

    try:
        with bar("letters") as move:
            result = letters.import_letters(file, progress=move)
    except letters.BadFile as error:
        raise click.ClickException(str(error)) from None
    for rejection in result.pop("rejections", []):
        talk.print(f"row {rejection['row']}: {rejection['reason']}", markup=False, highlight=False)
    answer(result, as_json)
    sys.exit(1 if result["read"] and not result["imported"] else 0)


@import_.command("catalogue")
@click.argument("file", type=FILE)
@JSON
def import_catalogue(file: Path, as_json: bool) -> None:
    """The catalogue as Excel: errors name sheet, row and column; a faulty file changes nothing."""
    database(district=True)
    from shaodao.catalogue import excel
    from shaodao.foundation import pack as packs

    try:
        counts, problems = excel.import_catalogue(file), []
    except packs.PackError as error:
        counts, problems = {}, error.problems
    answer(packs.result(counts, problems), as_json)
    sys.exit(1 if problems else 0)


@bikes.command("import-bays")
@click.argument("file", type=FILE)
@click.option(
    "--datum", type=click.Choice(["WGS-84", "GCJ-02", "BD-09", "CGCS2000"]), default="WGS-84", show_default=True
)
@click.option("--zones", is_flag=True, help="The file holds zones, not bays.")
@click.option("--kind", default="", help="Of zones that say none: no_parking, no_riding, quota.")
@click.option("--near", type=FILE, help="Metro exits and crossings (CSV lon, lat, name; GeoJSON points).")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="They have stood since this local date (default: now)."
)
@click.option("--source", default="", help="Where the file comes from (default: its name).")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
@JSON
def import_bays(
    file: Path, datum: str, zones: bool, kind: str, near: Path | None, since: Any, source: str, dry_run: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Parking bays (or zones): CSV of corners, GeoJSON, GeoPackage, Shapefile (zip). The same again changes nothing.

    read = imported + rejected; imported rows stand in the database as the file says, new or not. Exit code 0; 1 if some
    rows were rejected (they are named, the others come in); 2 if the file cannot be read.
    """
    database()
    from shaodao.bikes.bays import imports as bayimport
    from shaodao.bikes.bays import siting
    from shaodao.bikes.bays.queries import BAYS, ZONES
    from shaodao.cases.actions import Actor
    from shaodao.foundation import clock
    from shaodao.foundation.errors import Invalid

    try:
        points = siting.read_points(near, datum) if near else None
        found = bayimport.plan(file, ZONES if zones else BAYS, datum=datum, zone_kind=kind, points=points)
        if not dry_run:
            with bar("zones" if zones else "bays") as move:
                move(total=len(found.drafts))
                start = clock.from_local(since) if since else None
                bayimport.carry_out(found, Actor.system(), source=source, since=start, progress=move)
    except bayimport.Unreadable as error:
        raise Wrong(str(error)) from None
    except Invalid as error:
        raise Wrong.given(error.errors) from None
    lines: list[Any] = [*found.rejected, *found.remarks]
    for line in lines[: bayimport.LISTED]:
        talk.print(f"row {line.row} {line}" if line.row else f"{line}", markup=False, highlight=False)
    result = {**found.as_dict(), "dry_run": dry_run}
    answer(result if as_json else {k: v for k, v in result.items() if k != "rejections"}, as_json)
    sys.exit(1 if found.rejected else 0)


@main.group()
def export() -> None:
    """Take data out."""


@export.command("catalogue")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def export_catalogue(output: Path) -> None:
    """The catalogue as Excel, which `import catalogue` takes back."""
    database()
    from shaodao.catalogue import excel

    excel.export_catalogue(output)
    talk.print(f"{output}")


@export.command("cases")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".xlsx or .csv")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Received on or after this local date.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Received before this local date.")
def export_cases(output: Path, since: Any, until: Any) -> None:
    """Cases as a table, without personal data."""
    database()
    from shaodao.cases import tables
    from shaodao.cases.models import Case
    from shaodao.foundation import clock

    rows = Case.objects.order_by("id")
    if since:
        rows = rows.filter(created_at__gte=clock.from_local(since))
    if until:
        rows = rows.filter(created_at__lt=clock.from_local(until))
    with bar("cases") as move:
        try:
            n = tables.write(rows, output, progress=move)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--output") from None
    talk.print(f"{n} cases: {output}")


@main.group()
def audit() -> None:
    """The log: verify all chains, anchor their heads."""


@audit.command("verify")
@JSON
def audit_verify(as_json: bool) -> None:
    """Find any change, gap or reordering in the cases' events, and any state that they do not explain."""
    database()
    from shaodao.cases import history

    with bar("cases") as move:
        result = history.verify(progress=move)
    answer(result, as_json)
    sys.exit(1 if result["broken"] else 0)


@audit.command("anchor")
@JSON
def audit_anchor(as_json: bool) -> None:
    """Anchor the heads of all chains (the clock does this daily): keep the digest somewhere else."""
    database()
    from shaodao.cases import history

    row = history.anchor()
    answer({"date": str(row.date), "cases": row.cases, "events": row.events, "digest": row.digest}, as_json)


@main.command()
@click.option("--loop", type=click.IntRange(1, 3600), help="Go on, with this many seconds between two rounds.")
@JSON
def tick(loop: int | None, as_json: bool) -> None:
    """What the clock starts: reminders, escalation, watches, deliveries, anchors. Idempotent; catches up."""
    ready()
    from shaodao.config import serve

    if loop:
        serve.tick_forever(loop)
        return
    from shaodao.cases import tasks

    answer(tasks.tick(), as_json)


@main.command("demo-data")
@click.option("--months", default=3, show_default=True, type=click.IntRange(1, 12))
@click.option("--seed", default=1, show_default=True)
@JSON
def demo_data(months: int, seed: int, as_json: bool) -> None:
    """Play some months of a district through the real actions; everything is marked as sample."""
    database(district=True)
    from shaodao.cases import demo
    from shaodao.foundation.errors import Refused

    try:
        with bar("demo") as move:
            result = demo.play(months=months, seed=seed, progress=move)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    answer(result, as_json)


@main.group()
def user() -> None:
    """Accounts, posts and machine tokens."""


def _person(username: str) -> Any:
    from shaodao.organisations.models import Person

    found = Person.objects.filter(username=username).first()
    if found is None:
        raise click.BadParameter(f"no account {username!r}")
    return found


@user.command("create")
@click.argument("username")
@click.option("--name", default="", help="The person's name.")
@click.password_option(help="Asked for if not given.")
def user_create(username: str, name: str, password: str) -> None:
    """Make an account; `user post` gives it something to do."""
    database()
    from shaodao.foundation.errors import Invalid
    from shaodao.organisations import actions

    try:
        actions.create_person(username, name, password)
    except Invalid as error:
        raise Wrong.given(error.errors) from None
    talk.print(f"account {username} made")


@user.command("password")
@click.argument("username")
@click.password_option()
def user_password(username: str, password: str) -> None:
    """Set a new password."""
    database()
    from shaodao.foundation.errors import Invalid
    from shaodao.organisations import actions

    try:
        actions.set_password(_person(username), password)
    except Invalid as error:
        raise Wrong.given(error.errors) from None
    talk.print(f"password of {username} set")


@user.command("reset-factor")
@click.argument("username")
@click.option("--reason", default="", help="Why, for the log.")
def user_reset_factor(username: str, reason: str) -> None:
    """Take away a person's second factor and recovery codes and end their sessions: after a lost phone."""
    database()
    from shaodao.organisations import actions

    n = actions.reset_factor(_person(username), reason=reason)
    talk.print(f"{n} factors of {username} taken away")


@user.command("post")
@click.argument("username")
@click.argument("role")
@click.argument("organisation")
@click.option("--end", is_flag=True, help="End the post instead of giving it.")
def user_post(username: str, role: str, organisation: str, end: bool) -> None:
    """Give a person a role in an organisation (by its code), or end it."""
    database()
    from shaodao.foundation.errors import Invalid, Refused
    from shaodao.organisations import actions

    person = _person(username)
    if end and not person.posts.filter(role=role, organisation__code=organisation, active=True).exists():
        raise Wrong(f"{username} does not hold {role} at {organisation}")
    try:
        actions.set_post(person, role, organisation, active=not end)
    except Invalid as error:
        raise Wrong.given(error.errors) from None
    except Refused as error:
        raise click.ClickException(str(error.reason)) from None
    talk.print(f"{username}: {role} at {organisation} {'ended' if end else 'given'}")


@user.command("token")
@click.argument("username")
@click.option("--name", default="cli", show_default=True, help="What the token is for.")
@click.option(
    "--scope", "scopes", multiple=True, default=("read",), show_default=True, help="read, report, act, bikes, tracks"
)
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650))
def user_token(username: str, name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a machine token; it is shown once and kept only as a digest."""
    database()
    from datetime import timedelta

    from shaodao.foundation import clock
    from shaodao.foundation.errors import Invalid
    from shaodao.organisations import tokens

    now = clock.now()
    try:
        _row, secret = tokens.issue(_person(username), name, scopes, now, expires_at=now + timedelta(days=days))
    except Invalid as error:
        raise Wrong.given(error.errors) from None
    talk.print("the token is shown this once; keep it where nobody else reads it")
    click.echo(secret)


@user.command("list")
@JSON
def user_list(as_json: bool) -> None:
    """Accounts with their posts."""
    database()
    from shaodao.organisations.models import Person

    people = [
        {
            "username": p.username,
            "name": p.name,
            "active": p.is_active,
            "posts": "; ".join(f"{t.role}@{t.organisation.code}" for t in p.posts.all() if t.active),
        }
        for p in Person.objects.prefetch_related("posts__organisation").order_by("username")
    ]
    answer({"users": people}, as_json)


main.add_command(bikes)
main.add_command(sanitation)
main.add_command(stats)
main.add_command(analyse)
analyse.add_command(month)

if __name__ == "__main__":
    main()
