"""`shaodao stats …`: what a rate or a rank of a survey says, and what it does not. Needs no database."""

import sys

import click
import orjson

from shaodao.kernel import scoring


@click.group()
def stats() -> None:
    """Intervals of rates and ranks."""


@stats.command()
@click.option("--n", type=int, required=True, help="People asked in each unit.")
@click.option("--units", type=int, required=True, help="Units that are ranked.")
@click.option("--sd", type=float, required=True, help="Spread of the units' true shares, percentage points.")
@click.option("--rank", type=int, required=True, help="The unit's rank.")
@click.option("--mean", type=float, default=94.0, show_default=True, help="Mean of the true shares, percent.")
@click.option("--level", type=float, default=0.95, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def rank(as_json: bool, **given: float) -> None:
    """Between which ranks does a unit fall that truly has this one?"""
    try:
        found = scoring.rank_interval(**given)  # type: ignore[arg-type]
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    if as_json:
        click.echo(orjson.dumps({"rank_low": found.low, "rank_high": found.high, **given}).decode())
    else:
        click.echo(f"{found.low}-{found.high} / {given['units']}")


@stats.command()
@click.argument("successes", type=int)
@click.argument("n", type=int)
@click.option("--level", type=float, default=0.95, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
def rate(successes: int, n: int, level: float, as_json: bool) -> None:
    """The Wilson interval of SUCCESSES of N."""
    try:
        low, high = (float(end) for end in scoring.wilson(successes, n, level))
    except ValueError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    share = successes / n if n else None
    if as_json:
        click.echo(orjson.dumps({"rate": share, "low": low, "high": high, "n": n, "level": level}).decode())
    else:
        click.echo(f"{'—' if share is None else f'{share:.1%}'} [{low:.1%}, {high:.1%}]")
