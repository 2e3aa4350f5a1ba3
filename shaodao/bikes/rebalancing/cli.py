"""`shaodao bikes rebalance`: advice for one operator. Exit codes as in `shaodao/cli.py`."""

import click
import orjson

from shaodao.bikes.ingest.cli import JSON, LANG, LANGUAGES, operator_of


@click.command("rebalance")
@click.option("--operator", "code", required=True, help="Code of the operator whose bikes these are.")
@click.option("--hours", type=click.IntRange(1, 12), help="Ahead; the pack's by default.")
@click.option("--loads", type=click.IntRange(0, 200), help="Vanloads; the pack's by default.")
@LANG
@JSON
def rebalance(code: str, hours: int | None, loads: int | None, lang: str, as_json: bool) -> None:
    """Which bikes to carry from which bay to which, and what that is expected to bring. Nothing is ordered by it.

    Counts what riders took and left on the days that are over first, where that is not done yet. Exit code 0.
    """
    from django.utils import translation

    from shaodao.bikes import settings
    from shaodao.bikes.ingest import keep
    from shaodao.bikes.rebalancing import flows, texts
    from shaodao.bikes.rebalancing.advice import advice
    from shaodao.foundation import clock

    operator, now, given = operator_of(code), clock.now(), settings.current().rebalancing
    keep.keep(now, all_of_it=True)
    flows.make(now, code)
    found = advice(operator, now, hours or given.hours, given.loads if loads is None else loads)
    with translation.override(LANGUAGES[lang]):
        if as_json:
            click.echo(orjson.dumps(found.as_dict()).decode())
            return
        for move in found.moves:
            click.echo(texts.line(move))
        click.echo("\n".join(texts.summary(found)))
