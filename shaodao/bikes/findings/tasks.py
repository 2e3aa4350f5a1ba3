"""What the clock does with findings, in each round: look at all bikes, file what lasts, close what is gone."""

from functools import partial

from shaodao.bikes import settings
from shaodao.bikes.findings import filing
from shaodao.bikes.findings.observe import look
from shaodao.bikes.findings.words import Rule
from shaodao.cases.tasks import Round


def observe(round: Round) -> None:
    """Counts as `findings` what has begun, was filed or was cleared. Twice in a row does nothing the second time."""
    rules = settings.current().findings
    if not any(rules.rule(name).enabled for name in Rule.values):
        return
    round.once("findings", partial(look, round.now))
    round.each("findings", filing.due(round.now), lambda pk: filing.file(pk, round.now))
    round.each("findings", filing.gone(round.now), lambda pk: filing.clear(pk, round.now))
