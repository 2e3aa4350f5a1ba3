"""The department's side: sign, report in, send back, dispute, note, ask for time, finish."""

from datetime import timedelta

from django.utils.translation import gettext as _

from shaodao.cases.actions import parts
from shaodao.cases.actions.dispatching import after_leaving, all_done
from shaodao.cases.actions.step import Step, action
from shaodao.cases.models import Assignment, Dispute, Note, Photo, TimeRequest
from shaodao.cases.words import AssignmentState, ClockKind
from shaodao.foundation import district
from shaodao.foundation.errors import Invalid
from shaodao.kernel.geodesy import distance_m


@action("sign")
def sign(s: Step, *, on: Assignment) -> None:
    on.state, on.signed_at = AssignmentState.SIGNED, s.now
    s.clocks.stop(ClockKind.SIGN, on)
    s.data = {"organisation": on.organisation.name}


@action("report_in")
def report_in(s: Step, *, on: Assignment, position, remark: str, photos: list[int]) -> None:
    """Time and position are taken; the distance to the spot is shown, not judged. Arriving signs as well."""
    on.signed_at = on.signed_at or s.now
    on.state, on.arrived_at = AssignmentState.ARRIVED, s.now
    if position:
        on.arrived_lon, on.arrived_lat = position["lon"], position["lat"]
        if s.case.lon is not None and s.case.lat is not None:
            on.arrived_distance_m = round(
                float(distance_m(s.case.lon, s.case.lat, position["lon"], position["lat"])), 1
            )
    s.clocks.stop(ClockKind.SIGN, on)
    s.clocks.stop(ClockKind.ARRIVE, on)
    parts.add_photos(s, photos, Photo.Purpose.BEFORE, assignment=on)
    s.data = {"organisation": on.organisation.name, "distance_m": on.arrived_distance_m, "remark": remark}


@action("send_back")
def send_back(s: Step, *, on: Assignment) -> None:
    """退回: to the headquarters only; without a lead the case waits for the dispatcher again."""
    parts.close_assignment(s, on, AssignmentState.RETURNED)
    on.returned_at = s.now
    s.case.return_count += 1
    s.data = {"organisation": on.organisation.name}
    after_leaving(s, on)


@action("dispute")
def dispute(s: Step, *, on: Assignment) -> Dispute:
    row = Dispute(
        case=s.case,
        assignment=on,
        reason=s.reason[:500],
        raised_by=s.actor.person,
        raised_at=s.now,
        category=s.case.category,
    )
    s.add(row)
    s.data = {"organisation": on.organisation.name}
    return row


@action("note")
def note(s: Step, *, text: str, told: bool, public: bool, photos: list[int]) -> Note:
    mine = {p.organisation_id for p in s.actor.facts.posts}
    own = next((a for a in parts.open_assignments(s) if a.organisation_id in mine), None)
    row = Note(
        case=s.case,
        assignment=own,
        person=s.actor.person,
        organisation_id=own.organisation_id if own else s.actor.organisation_id,
        text=text,
        told=told,
        public=public,
        created_at=s.now,
    )
    s.add(row)
    parts.add_photos(s, photos, Photo.Purpose.BEFORE, assignment=own)
    s.data = {"note": row.pk, "told": told, "public": public}
    return row


@action("stage_done")
def stage_done(s: Step, *, on: Assignment, stage: str, photos: list[int]) -> None:
    names = [st["name"] for st in on.stages if not st.get("done_at")]
    if stage not in names:
        raise Invalid({"stage": _("待完成的阶段：%(names)s") % {"names": "、".join(names)}})
    on.stages = [
        {**st, "done_at": s.now.isoformat()} if st["name"] == stage and not st.get("done_at") else st
        for st in on.stages
    ]
    parts.add_photos(s, photos, Photo.Purpose.AFTER, assignment=on)
    s.data = {"organisation": on.organisation.name, "stage": stage}


@action("request_extension")
def request_extension(s: Step, *, on: Assignment) -> TimeRequest:
    return _request(s, on, TimeRequest.Kind.EXTEND)


@action("request_suspension")
def request_suspension(s: Step, *, on: Assignment, until) -> TimeRequest:
    longest = district.current().settings.max_suspension_days
    if until <= s.now:
        raise Invalid({"until": _("应晚于现在")})
    if until > s.now + timedelta(days=longest):
        raise Invalid({"until": _("最长挂账 %(days)d 天") % {"days": longest}})
    return _request(s, on, TimeRequest.Kind.SUSPEND, until)


def _request(s: Step, on: Assignment, kind: str, until=None) -> TimeRequest:
    row = TimeRequest(
        case=s.case,
        assignment=on,
        kind=kind,
        reason=s.reason[:500],
        until=until,
        asked_by=s.actor.person,
        asked_at=s.now,
    )
    s.add(row)
    s.data = {"organisation": on.organisation.name, "kind": str(kind)}
    return row


@action("resume")
def resume(s: Step, *, on: Assignment) -> None:
    on.state = AssignmentState.ARRIVED if on.arrived_at else AssignmentState.SIGNED
    on.suspended_until = None
    s.clocks.resume(on)
    s.tell(on.organisation_id, "resumed")
    s.data = {"organisation": on.organisation.name}


@action("finish")
def finish(s: Step, *, on: Assignment, result: str, photos: list[int]) -> None:
    """Handing back stops the handling clock: whether it is overdue is judged here, not at closing."""
    on.state, on.finished_at, on.finished_by = AssignmentState.DONE, s.now, s.actor.person
    for kind in (ClockKind.SIGN, ClockKind.ARRIVE, ClockKind.HANDLE):
        s.clocks.stop(kind, on)
    parts.add_photos(s, photos, Photo.Purpose.AFTER, assignment=on)
    parts.end_requests(s, on)
    s.data = {"organisation": on.organisation.name, "result": result}
    if not parts.open_assignments(s):
        all_done(s)
