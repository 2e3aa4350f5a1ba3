"""催办, 督办 and the ladder: each rung is an event and an inbox item."""

from django.utils.translation import gettext as _

from shaodao.cases.actions import parts
from shaodao.cases.actions.step import Step, action, street_organisation_id
from shaodao.cases.notices import name_of
from shaodao.foundation import district
from shaodao.foundation.errors import Refused
from shaodao.organisations.models import Organisation


@action("urge")
def urge(s: Step) -> None:
    for assignment in parts.open_assignments(s):
        s.tell(assignment.organisation_id, "urge", why=s.reason)


@action("supervise")
def supervise(s: Step) -> None:
    for organisation_id in {a.organisation_id for a in parts.open_assignments(s)}:
        s.tell(organisation_id, "supervise", why=s.reason)
    street = street_organisation_id(s.case.street_id)
    s.tell(street, "supervise", why=s.reason)


@action("escalate")
def escalate(s: Step, *, rung: int) -> None:
    """Climb to a rung of the pack's ladder (the clock calls this; `tasks.py` decides when); missed rungs are named.

    An organisation that is meant twice (as lead and as street, or because nobody else is there) hears once.
    """
    ladder = district.current().settings.ladder
    if rung <= s.case.rung:
        raise Refused(_("这一级已经提醒过"))
    step, climbed = ladder[rung - 1], ladder[s.case.rung : rung]
    s.case.rung = rung
    receivers: dict[int, None] = {}  # in the order of the pack
    for whom in step.notify:
        receivers |= dict.fromkeys(_receivers(s, whom))
    for organisation_id in receivers:
        s.tell(organisation_id, step.kind, rung=name_of(step))
    s.data = {"rung": rung, "kind": step.kind, **(name_of(step) or {}), "climbed": [r.kind for r in climbed]}


def _receivers(s: Step, whom: str) -> set[int]:
    if whom == "street":
        street = street_organisation_id(s.case.street_id)
        return {street} if street else set()
    if whom == "lead":
        holders = {a.organisation_id for a in parts.open_assignments(s)}
        return holders or _offices()
    return _offices()


def _offices() -> set[int]:
    return set(
        Organisation.objects.filter(kind=Organisation.Kind.HEADQUARTERS, active=True).values_list("id", flat=True)
    )
