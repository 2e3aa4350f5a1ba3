"""The chain of a case's events: rebuild the present from it, verify it, anchor its head.

`audit verify` finds a changed event (hash), a gap or a reordering (seq, previous), a removed tail (anchor), a removed
case (anchor, missing), a changed text (its digest), and a present that its history does not explain (projection).
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import transaction
from django.db.models import Max, Prefetch, QuerySet

from shaodao.cases.actions.step import content_of
from shaodao.cases.models import Anchor, Case, CaseEvent, Circular
from shaodao.cases.models.fields import sha256
from shaodao.foundation import clock
from shaodao.foundation.chain import books, name_of, plain, tracked, walk
from shaodao.foundation.models import OutboxMessage


@dataclass(frozen=True)
class Broken:
    case: str
    seq: int | None
    what: str  # hash, previous, gap, before, head, projection, text, missing, anchor
    detail: str = ""


def project(events: list[CaseEvent]) -> dict[str, dict[str, Any]]:
    """The tracked state of every row of a case, folded from its events alone."""
    state: dict[str, dict[str, Any]] = {}
    for event in events:
        for name, fields in event.changes.items():
            row = state.setdefault(name, {})
            for field, (_before, after) in fields.items():
                row[field] = after
    return state


def check_chain(case: Case, events: list[CaseEvent]) -> list[Broken]:
    """Faults of one case's chain: hashes, sequence, and values that do not follow from the event before."""
    _state, found = walk(events, content_of, case.version, case.head)
    return [Broken(case.number, *fault) for fault in found]


def verify(batch: int = 500, progress: Any = None) -> dict[str, Any]:
    """Check every chain and the anchors: {"cases", "events", "broken": [...]}, and a count for each other room's chains."""
    broken: list[Broken] = []
    cases = events = 0
    heads: dict[int, tuple[int, str]] = {}
    ids = list(Case.objects.order_by("id").values_list("id", flat=True))
    for start in range(0, len(ids), batch):
        rows = Case.objects.filter(pk__in=ids[start : start + batch]).prefetch_related(
            Prefetch("events", CaseEvent.objects.order_by("seq"))
        )
        present = load_rows([c.pk for c in rows])
        for case in rows:
            chain = list(case.events.all())
            broken += check_chain(case, chain)
            broken += compare(case, project(chain), present, born(case, chain))
            broken += check_texts(case, chain, present)
            cases, events = cases + 1, events + len(chain)
            heads.update({case.pk: (case.version, case.head)})
        if progress:
            progress(len(rows))
    broken += check_missing(set(ids))
    counts: dict[str, int] = {}
    for book in books():
        counts[book.name], more, found = book.verify()
        broken += [Broken(**fault) for fault in found]
        events += more
    broken += check_anchors(heads)
    return {"cases": cases, **counts, "events": events, "broken": [vars(b) for b in broken]}


PARTS = [
    "report",
    "addition",
    "photo",
    "whistle",
    "assignment",
    "clock",
    "timerequest",
    "dispute",
    "note",
    "verification",
    "evaluation",
    "appeal",
    "callback",
    "recheck",
]


def load_rows(case_ids: list[int]) -> dict[str, Any]:
    """Every tracked row of these cases by its name in the events, a query for each table."""
    rows: dict[str, Any] = {f"case:{c.pk}": c for c in Case.objects.filter(pk__in=case_ids)}
    for model in PARTS:
        for row in apps.get_model("cases", model).objects.filter(case_id__in=case_ids):
            rows[name_of(row)] = row
    return rows


def born(case: Case, events: list[CaseEvent]) -> set[str]:
    """The rows that this chain tells from their beginning; a report that came with a merge is told by another chain."""
    names = {n for e in events for n, fields in e.changes.items() if fields.get("case_id", [0])[0] is None}
    return names | {f"case:{case.pk}"}


def compare(
    case: Case, projected: dict[str, dict[str, Any]], present: dict[str, Any], whole: set[str]
) -> Iterator[Broken]:
    """Tracked values that differ from the fold of the events; rows without an event behind them."""
    for name, fields in projected.items():
        row = present.get(name)
        if row is None or getattr(row, "case_id", case.pk) != case.pk:
            if "case_id" in fields and fields["case_id"] != case.pk:
                continue  # it moved away with a merge or a split
            if row is None:
                yield Broken(case.number, None, "projection", f"{name} is missing")
            continue
        values = tracked(row)
        for field, value in values.items():
            if field not in fields and name not in whole:
                continue
            expected = fields[field] if field in fields else untold(row, field, value)
            if value != expected:
                yield Broken(case.number, None, "projection", f"{name}.{field}")
    for name, row in present.items():
        if name not in projected and getattr(row, "case_id", row.pk) == case.pk:
            yield Broken(case.number, None, "projection", f"{name} is unexplained")


def untold(row: Any, field: str, value: Any) -> Any:
    """What a tracked field must be that no event names: empty, or the default that a later version gave it.

    A digest that no event names is of a text from before digests were kept: there is nothing to hold it against.
    """
    column = {f.attname: f for f in row._meta.concrete_fields}.get(field)
    if column is None:
        return value
    return value if value == plain(column.get_default()) else None


def check_texts(case: Case, events: list[CaseEvent], present: dict[str, Any]) -> Iterator[Broken]:
    """Free text that no longer fits the digest which its row or event keeps."""
    for name, row in present.items():
        if name.startswith("report:") and row.case_id == case.pk and row.text_sha256 != sha256(row.text):
            yield Broken(case.number, None, "text", f"{name}.text")
    told = {e.data["circular"]: e for e in events if e.action == "circulate" and "text_sha256" in e.data}
    circulars = {c.pk: c for c in Circular.objects.filter(pk__in=told)} if told else {}
    for pk, event in told.items():
        row = circulars.get(pk)
        if row is None or (row.title, row.text_sha256) != (event.data["title"], event.data["text_sha256"]):
            yield Broken(case.number, event.seq, "text", f"circular:{pk}")


def check_missing(known: set[int]) -> Iterator[Broken]:
    """Cases that events or the outbox tell of, and that are no longer there."""
    orphans = set(CaseEvent.objects.order_by().values_list("case_id", flat=True).distinct()) - known
    sent = OutboxMessage.objects.filter(topic__in=("case.report", "case.split_off")).values_list("payload", flat=True)
    orphans |= {int(payload["case"]) for payload in sent.iterator() if "case" in payload} - known
    for pk in sorted(orphans):
        yield Broken(str(pk), None, "missing")


def check_anchors(heads: dict[int, tuple[int, str]]) -> Iterator[Broken]:
    """Anchored heads that the chains no longer contain, and anchors whose own digest does not fit."""
    previous = ""
    for anchor in Anchor.objects.order_by("date"):
        if anchor.previous != previous or digest_of(anchor) != anchor.digest:
            yield Broken(str(anchor.date), None, "anchor", "digest")
        previous = anchor.digest
        wanted = {(int(pk), v[0]): v[1] for pk, v in anchor.heads.items() if pk.isdigit()}
        known = {
            (e.case_id, e.seq): e.hash
            for e in CaseEvent.objects.filter(case_id__in={pk for pk, _v in wanted}).only("case_id", "seq", "hash")
        }
        for (pk, version), head in wanted.items():
            if known.get((pk, version)) != head:
                yield Broken(str(pk), version, "anchor", str(anchor.date))
        others = {key: v for key, v in anchor.heads.items() if not key.isdigit()}
        told = {at: head for book in books() for at, head in book.known(others).items()} if others else {}
        for key, (version, head) in others.items():
            if told.get((key, version)) != head:
                yield Broken(key, version, "anchor", str(anchor.date))


def digest_of(anchor: Anchor) -> str:
    body = json.dumps([str(anchor.date), anchor.heads, anchor.cases, anchor.events], sort_keys=True)
    return hashlib.sha256(f"{anchor.previous}\n{body}".encode()).hexdigest()


@transaction.atomic
def anchor(now: datetime | None = None) -> Anchor:
    """Anchor the heads of all chains that moved since the last anchor; once a local day, later calls answer it."""
    now = now or clock.now()
    today = clock.local(now).date()
    existing = Anchor.objects.filter(date=today).first()
    if existing:
        return existing
    last = Anchor.objects.order_by("-date").first()
    ids = _since(last).values("case_id")
    heads = {str(pk): [v, h] for pk, v, h in Case.objects.filter(pk__in=ids).values_list("id", "version", "head")}
    for book in books():
        heads |= book.heads()
    row = Anchor(
        date=today,
        at=now,
        heads=heads,
        cases=Case.objects.count(),
        events=CaseEvent.objects.count(),
        previous=last.digest if last else "",
    )
    row.digest = digest_of(row)
    row.save()
    return row


LATE = 1000  # events whose transaction may still have been open when the last anchor counted


def _since(last: Anchor | None) -> QuerySet[CaseEvent]:
    """Events written after an anchor, by their order of writing: an import writes events whose own time is long past."""
    seen = max(0, last.events - LATE) if last else 0
    ids = CaseEvent.objects.order_by("id").values_list("id", flat=True)
    first = ids[seen : seen + 1].first() if seen else None
    return CaseEvent.objects.filter(id__gte=first) if first is not None else CaseEvent.objects.all()


def last_event_at() -> datetime | None:
    """When anything last happened to any case."""
    return CaseEvent.objects.aggregate(at=Max("at"))["at"]
