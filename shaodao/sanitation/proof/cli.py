"""`shaodao sanitation prove DATE`, `recompute --day DATE`: what was planned against what the stored tracks prove."""

import sys
from datetime import date as date_of
from datetime import datetime
from typing import Any, NoReturn

import click
import orjson
from rich.console import Console
from rich.table import Table

from shaodao.sanitation.feasibility.cli import LANGUAGES


@click.command()
@click.argument("date", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--json", "as_json", is_flag=True, help="One JSON object as the last line of the output.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), default="zh", show_default=True)
def prove(date: datetime, as_json: bool, lang: str) -> None:
    """Prove a day from its stored tracks and keep the proof with its certificate; what is not in order becomes findings.

    The same tracks, book and plan again change nothing. Exit code 0 where all that is due is done, 1 where it is not,
    2 where nothing can be proven (no roads in the book, no tracks of the day).
    """
    from django.utils import translation

    from shaodao.foundation.errors import Refused
    from shaodao.sanitation.proof import figures, tracks

    day = date.date()
    with translation.override(LANGUAGES[lang]):
        if not tracks.there(day):
            raise click.UsageError(translation.gettext("%(d)s 没有收到过轨迹") % {"d": day.isoformat()})
        try:
            proof = tracks.prove_stored(day)
        except Refused as refused:
            raise click.UsageError(str(refused.reason)) from None
        found = answer(proof)
        if as_json:
            click.echo(orjson.dumps(found).decode())
        else:
            _print(found)
    sys.exit(0 if figures.rate(proof.figures["all"]) in (None, 1.0) else 1)


def recompute_day(day: date_of, as_json: bool) -> NoReturn:
    """Reckon the stored proof of a day again and say what differs. Exit code 0: nothing, 1: something; 2: it is not proven."""
    from django.utils.translation import gettext as _

    from shaodao.foundation.errors import Refused
    from shaodao.sanitation.proof import actions, queries, tracks

    proof = queries.proof_of(day)
    if proof is None:
        raise click.UsageError(_("%(d)s 还没有核验") % {"d": day.isoformat()})
    try:
        found = actions.again(proof, *tracks.of_day(day))
    except Refused as refused:
        raise click.UsageError(str(refused.reason)) from None
    if as_json:
        said = {"day": day.isoformat(), "number": proof.number, "same": not found, "differences": found}
        click.echo(orjson.dumps(said).decode())
    elif not found:
        click.echo(_("第 %(n)d 版：从原始轨迹重算，结论相同") % {"n": proof.number})
    for part in () if as_json else found:
        click.echo(f"{part['what']}: {part['was']} → {part['now']}")
        for segment, mode, number in part.get("passes", ()):
            click.echo(f"  {segment} {mode} {number}")
    sys.exit(1 if found else 0)


def answer(proof: Any) -> dict[str, Any]:
    """{"day", "number", "closed", "plan", "digest", "rate", "unsure_share", "services": {code: …}, "findings", "certificate"}."""
    from shaodao.sanitation.models import ServiceFinding
    from shaodao.sanitation.proof import figures

    def said(group: dict[str, Any]) -> dict[str, Any]:
        numbers = {k: round(v, 1) if isinstance(v, float) else v for k, v in group.items()}
        return {**numbers, "rate": figures.rate(group), "unsure_share": figures.unsure(group)}

    return {
        "day": proof.day.isoformat(), "number": proof.number, "closed": proof.closed, "plan": proof.plan_id,
        "digest": proof.digest, **said(proof.figures["all"]), "left_out": proof.figures["left_out"],
        "services": {code: said(group) for code, group in proof.figures["modes"].items()},
        "unasked": proof.figures["unasked"], "findings": ServiceFinding.objects.filter(day=proof.day).count(),
        "certificate": proof.certificate,
    }  # fmt: skip


def _print(found: dict[str, Any]) -> None:
    from django.utils.translation import gettext as _

    from shaodao.sanitation.proof import figures

    table = Table(box=None, pad_edge=False)
    for text in (_("作业"), _("完成率"), _("无法判断"), _("段次"), _("不足"), _("漏做")):
        table.add_column(text)
    for code, group in [*found["services"].items(), (_("合计"), found)]:
        shares = [figures.percent(group["rate"]), figures.percent(group["unsure_share"])]
        words = ["—" if share is None else f"{share:.1f}%" for share in shares]
        table.add_row(code, *words, *(str(group[name]) for name in ("planned", "short", "missing")))
    console = Console(markup=False, highlight=False)
    console.print(table)
    said = {"n": found["number"], "f": found["findings"], "d": found["digest"]}
    console.print(_("第 %(n)d 版，问题 %(f)d 条，凭据 %(d)s") % said)
