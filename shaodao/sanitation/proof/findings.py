"""What is not in order on a day becomes findings, what stands becomes a case, what was made up closes it.

One finding, and at most one case, for a road, a service and a day. Nothing here changes a case by itself: `report`, `file`,
`dispatch` open it with the crew's unit as lead, `clear` closes it, all as the system. What nobody can tell is no finding.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from shaodao.cases.actions import Actor, Submission, perform, report
from shaodao.cases.actions.parts import Given
from shaodao.cases.inputs import Fault, find_category
from shaodao.cases.models import Case
from shaodao.cases.words import CaseState, Channel
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations.models import Organisation
from shaodao.sanitation import settings
from shaodao.sanitation.models import Crew, DayProof, ProvenPass, ServiceFinding
from shaodao.sanitation.proof import picture, texts
from shaodao.sanitation.proof.places import along
from shaodao.sanitation.proof.words import MENDED, FindingState, Kind, PassState

LEFT_TO_PEOPLE = (CaseState.VOIDED, CaseState.DECLINED, CaseState.MERGED, CaseState.CLOSED)
JOINED = ("road", "mode", "crew")
Key = tuple[int, int]


# ── seen ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def observe(proof: DayProof, rows: Iterable[ProvenPass], now: datetime) -> None:
    """Hold a new proof against what is known of its day, and its spare work against what the day before lacks."""
    seen: dict[Key, list[dict[str, Any]]] = {}
    where: dict[Key, ProvenPass] = {}
    for row in rows:
        key = (row.segment.road_id, row.mode_id)
        for item in _items(row):
            seen.setdefault(key, []).append(item)
            if key not in where or _weight(row) > _weight(where[key]):
                where[key] = row
    known = {(f.road_id, f.mode_id): f for f in ServiceFinding.objects.select_for_update().filter(day=proof.day)}
    for key in sorted(seen.keys() | known.keys()):
        found = known.get(key) or ServiceFinding(
            day=proof.day, road_id=key[0], mode_id=key[1], first_seen_at=now, kinds="", state=FindingState.OPEN
        )
        found.items, found.last_seen_at = seen.get(key, []), now
        if key in where:
            found.lon, found.lat = _spot(where[key])
            found.crew_id = _most(found.items)
        _settle(found, now)
        found.save()
    _make_up(proof.day - timedelta(days=1), now)
    _make_up(proof.day, now)


def _items(row: ProvenPass) -> Iterable[dict[str, Any]]:
    for kind in filter(None, row.wrong.split(",")):
        lacking = row.length_m if kind == Kind.MISSED else sum(b - a for a, b in row.gaps)
        yield {
            "kind": kind,
            "segment": row.segment.code,
            "pass": row.pass_no,
            "metres": round(lacking if kind in MENDED else row.serviced_m, 1),
            "vehicle": row.vehicle.code if row.vehicle else "",
            "crew": row.crew_id,
            "at": round(row.evidence[0][1] if row.evidence and kind not in (Kind.MISSED,) else row.begin_s or 0.0),
        }


def _weight(row: ProvenPass) -> float:
    return max([b - a for a, b in row.gaps], default=0.0) + row.length_m / 1000


def _spot(row: ProvenPass) -> tuple[float, float]:
    """The middle of the longest stretch that is missing; of a pass that is whole, of its segment."""
    low, high = max(row.gaps or [[0.0, row.length_m]], key=lambda gap: gap[1] - gap[0])
    lon, lat = along(row.segment, (low + high) / 2)
    return round(lon, 6), round(lat, 6)


def _most(items: list[dict[str, Any]]) -> int | None:
    """The crew of most of the metres."""
    metres: dict[int | None, float] = {}
    for item in items:
        metres[item["crew"]] = metres.get(item["crew"], 0.0) + item["metres"]
    return max(metres, key=lambda crew: (metres[crew], -(crew or 0)), default=None)


def _settle(row: ServiceFinding, now: datetime) -> None:
    """Kinds, metres and state of a finding by its items."""
    left = [item for item in row.items if not item.get("made_up")]
    kinds = [kind for kind in Kind.values if any(item["kind"] == kind for item in left)]
    row.kinds = "".join(f",{kind}" for kind in kinds) + ("," if kinds else "")
    row.metres = round(sum({(i["segment"], i["pass"]): i["metres"] for i in left if files(i["kind"])}.values()), 1)
    if row.state == FindingState.OPEN and not left:
        row.state, row.cleared_at = FindingState.CLEARED, now
    elif row.state == FindingState.CLEARED and row.case_id is None and left:
        row.state, row.cleared_at = FindingState.OPEN, None


def files(kind: str) -> bool:
    """Does the pack make cases of this kind?"""
    return kind in settings.current().findings.kinds


def _make_up(day: Any, now: datetime) -> None:
    """Work of the next morning that nobody asked for puts right what a day lacks, within the pack's hours."""
    rows = [
        row
        for row in ServiceFinding.objects.select_for_update().filter(day=day)
        if any(i["kind"] in MENDED and not i.get("made_up") for i in row.items)
    ]
    if not rows:
        return
    until = settings.current().findings.makeup_h * 3600
    spare = ProvenPass.objects.filter(
        proof__day=day + timedelta(days=1), proof__current=True, pass_no=0, state=PassState.DONE,
        segment__road__in=[r.road_id for r in rows],
    ).select_related("segment").order_by("pk")  # fmt: skip
    found: dict[tuple[int, str], list[list[Any]]] = {}
    for extra in spare:
        if extra.evidence[-1][2] <= until:
            found.setdefault((extra.mode_id, extra.segment.code), []).append(extra.evidence[-1])
    for row in rows:
        changed = False
        for item in row.items:
            if item["kind"] in MENDED and not item.get("made_up"):
                visits = found.get((row.mode_id, item["segment"]))
                if visits:
                    item["made_up"], changed = visits.pop(0)[:3], True
        if changed:
            _settle(row, now)
            row.save()


# ── filed ────────────────────────────────────────────────────────────────────────────────────────────────────────


def due(now: datetime) -> list[int]:
    """Findings of days that are over, to be filed now: they stood for the pack's hours, are long enough, and not too many."""
    rules = settings.current().findings
    if not rules.category:
        return []
    begin = clock.from_local(datetime.combine(clock.local(now).date(), time()))
    room = rules.cases_a_day - ServiceFinding.objects.filter(filed_at__gte=begin).count()
    if room <= 0:
        return []
    waiting = ServiceFinding.objects.filter(
        state=FindingState.OPEN, metres__gte=max(rules.least_m, 0.1),
        first_seen_at__lte=now - timedelta(hours=rules.wait_h),
        day__in=DayProof.objects.filter(current=True, closed=True).values("day"),
    )  # fmt: skip
    return list(waiting.order_by("problem", "-metres", "pk").values_list("pk", flat=True)[:room])


def file(pk: int, now: datetime) -> bool:
    """Make a case of a finding. False: it is none any more, or cannot be filed, which it then says in `problem`."""
    with translation.override("zh-hans"):
        try:
            with transaction.atomic():
                row = ServiceFinding.objects.select_for_update(of=("self",)).select_related(*JOINED).get(pk=pk)
                if row.state != FindingState.OPEN:
                    return False
                row.case, row.state, row.filed_at, row.problem = _new(row), FindingState.FILED, now, ""
                row.save(update_fields=["case", "state", "filed_at", "problem"])
                return True
        except Invalid as fault:
            why = "；".join(str(text) for text in fault.errors.values())
        except Refused as fault:
            why = str(fault.reason)
        ServiceFinding.objects.filter(pk=pk).update(problem=why[:300])
        return False


def _new(row: ServiceFinding) -> Case:
    rules, system = settings.current().findings, Actor.system()
    try:
        category = find_category(rules.category)
    except Fault as fault:
        raise Invalid({"category": str(fault)}) from None
    if category is None:
        raise Invalid({"category": _("数据包没有写类别")})
    condition = category.conditions.filter(active=True, seq=rules.condition).first()
    if condition is None and category.conditions.filter(active=True).exists():
        said = {"k": category.key, "n": rules.condition}
        raise Invalid({"condition": _("类别 %(k)s 没有第 %(n)s 条立案条件") % said})
    units = units_of(row)
    opened = report(
        Submission(
            text=texts.report(row, reverse("sanitation_finding", args=[row.pk])),
            channel=Channel.SENSOR,
            category=category,
            lon=row.lon,
            lat=row.lat,
            address=texts.address(row),
            topic=f"sanitation.{row.mode.kind}",
            external_id=f"sanitation.finding.{row.pk}",
            key=f"sanitation.finding.{row.pk}",
            anew=True,
            sample=row.road.illustrative,
            photos=picture.photos(row),
        ),
        system,
    ).case
    chosen = {"category": category.pk, "condition": condition and condition.pk, "urgent": category.urgent}
    perform("categorise", opened.pk, system, data=chosen)
    perform("file", opened.pk, system)
    sent = {"lead": units[0], "supports": units[1:]}
    limits = {"given": Given(rules.arrive, rules.solve)}
    return perform("dispatch", opened.pk, system, data=sent, extra=limits).case


def units_of(row: ServiceFinding) -> list[str]:
    """Codes of the units that answer for a finding, the one with most first. Raises Invalid where there is none."""
    usual = settings.current().department
    crews = dict(Crew.objects.filter(pk__in={i["crew"] for i in row.items if i["crew"]}).values_list("pk", "unit"))
    left = [item for item in row.items if files(item["kind"]) and not item.get("made_up")]
    metres: dict[str, float] = {}
    for item in left:
        code = crews.get(item["crew"], "") or usual
        metres[code] = metres.get(code, 0.0) + item["metres"]
    there = set(Organisation.objects.filter(code__in=metres, active=True).values_list("code", flat=True))
    found = sorted(there, key=lambda code: (-metres[code], code))
    if not found:
        raise Invalid({"lead": _("班组没有写归哪个单位，数据包也没有写环卫主管部门")})
    return found


# ── closed ───────────────────────────────────────────────────────────────────────────────────────────────────────


def gone() -> list[int]:
    """Filed findings of which nothing is left that files a case."""
    rows = ServiceFinding.objects.filter(state=FindingState.FILED).order_by("pk")
    return [pk for pk, kinds in rows.values_list("pk", "kinds") if not any(map(files, kinds.split(",")))]


def clear(pk: int, now: datetime) -> bool:
    """Close the case of a finding that was made up. False: a person has to do something first."""
    with transaction.atomic():
        row = ServiceFinding.objects.select_for_update(of=("self",)).select_related("case").get(pk=pk)
        if row.state != FindingState.FILED or row.case is None or any(map(files, row.kinds.split(","))):
            return False
        if row.case.state == CaseState.RECEIVED:  # somebody undid a merge: the desk has it
            return False
        if row.case.state not in LEFT_TO_PEOPLE:
            perform("clear", row.case.pk, Actor.system(), extra={"since": row.last_seen_at})
        row.state, row.cleared_at = FindingState.CLEARED, now
        row.save(update_fields=["state", "cleared_at"])
        return True


def standing_on(day: date) -> bool:
    """Is a case of the day still open? Its tracks are evidence then, and stay (tracks/keep.py)."""
    rows = ServiceFinding.objects.filter(day=day, case__isnull=False)
    return rows.exclude(case__state__in=LEFT_TO_PEOPLE).exists()
