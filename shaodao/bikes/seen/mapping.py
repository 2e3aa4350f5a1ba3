"""What the live map draws: vehicles as columns, all of them or those that changed; bays and zones as GeoJSON."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.bikes import rules
from shaodao.bikes.models import Bay, Operator, VehicleStatus, Zone
from shaodao.bikes.seen import asking, present
from shaodao.bikes.seen.words import Mark, SeenAs
from shaodao.bikes.words import FeedState
from shaodao.foundation import clock
from shaodao.foundation.naming import named

CLASSES = tuple(SeenAs)
DRAWN = tuple(c for c in CLASSES if c not in (SeenAs.IN_USE, SeenAs.GONE))
"""Where somebody rides is that person's way: those in use are counted and have no position here."""
OVERLAP_MS = 5_000
"""A call of the ingest takes its time at its begin and is seen at its commit: so much earlier is asked again."""
Rows = list[tuple[Any, ...]]


def vehicles(rows: QuerySet[VehicleStatus], operators: Iterable[Operator], now: datetime, since: int | None) -> Any:
    """Columns of the vehicles that are not gone, or of all that came in since a time; one query.

    `check` (count and sums over all that are not gone) lets a page find out that it has missed something, in whatever
    order transactions became visible; it then asks for everything.
    """
    order = list(operators)
    place = {row.pk: n for n, row in enumerate(order)}
    code = {str(c): n for n, c in enumerate(CLASSES)}
    gone, hidden = code[SeenAs.GONE], {code[c] for c in CLASSES if c not in DRAWN}
    found: Rows = []
    check, last = [0, 0, 0, 0, 0], 0
    for pk, lon, lat, operator, bay, seen, wrong, idle, received in _read(rows, now):
        kind, mark = code[seen], wrong | idle << 1
        where = (0, 0) if kind in hidden else (lon, lat)
        last = max(last, received)
        if kind != gone:
            for n, value in enumerate((1, *where, kind, mark)):
                check[n] += value
        if kind != gone if since is None else received >= since - OVERLAP_MS:
            found.append((pk, *where, place.get(operator, -1), kind, mark, 0 if kind in hidden else bay or 0))
    names = ("id", "lon", "lat", "operator", "class", "mark", "bay")
    columns = zip(*found, strict=True) if found else [[] for _name in names]
    return {
        "cursor": last,
        "full": since is None,
        "check": check,
        "operators": [_operator(row) for row in order],
        "columns": {name: list(column) for name, column in zip(names, columns, strict=True)},
    }


def _operator(row: Operator) -> dict[str, Any]:
    where = row.organisation
    return {"code": where.code, "name": named(where), "illustrative": where.illustrative}


def _read(rows: QuerySet[VehicleStatus], now: datetime) -> Iterable[tuple[Any, ...]]:
    marks = {
        f"is_{mark}": Case(When(present.marked(mark, now), then=Value(True)), default=Value(False),
                           output_field=BooleanField())
        for mark in (Mark.VIOLATION, Mark.IDLE)
    }  # fmt: skip
    classed = present.classed(rows, now).annotate(**marks).order_by()
    names = ("pk", "lon_e6", "lat_e6", "operator_id", "bay_id", "seen", *marks, "received_ms")
    return classed.values_list(*names).iterator(5000)


def bays(rows: QuerySet[Bay]) -> list[dict[str, Any]]:
    """Features of bays, with the key that vehicles name them by."""
    values = rows.order_by("code").values_list("pk", "code", "name", "capacity", "illustrative", "geometry")
    return [
        {
            "type": "Feature",
            "id": pk,
            "geometry": geometry,
            "properties": {"code": code, "name": name, "capacity": capacity, "illustrative": illustrative},
        }
        for pk, code, name, capacity, illustrative, geometry in values
    ]


def zones(now: datetime) -> list[dict[str, Any]]:
    """Features of the zones that hold at this moment."""
    local = clock.local(now)
    return [
        {
            "type": "Feature",
            "geometry": zone.geometry,
            "properties": {
                "code": zone.code,
                "name": zone.name,
                "kind": zone.kind,
                "label": str(zone.get_kind_display()),
                "illustrative": zone.illustrative,
            },
        }
        for zone in Zone.objects.filter(active=True).order_by("code")
        if rules.zone_in_force(zone, now, local)
    ]


def details(row: VehicleStatus) -> dict[str, Any]:
    """What a click on a vehicle shows: a listed status, as labelled lines."""
    seen, plate = SeenAs(getattr(row, "seen")), getattr(row, "plate", None)  # noqa: B009 - annotated
    lines = [
        (_("企业"), named(row.operator.organisation)),
        (_("类别"), str(seen.label)),
        (_("企业报的状态"), str(FeedState(row.state).label)),
        (_("街道社区"), " ".join(filter(None, (named(row.street), named(row.community))))),
        (_("车牌或编码"), plate or ""),
        (_("点位"), row.bay.code if row.bay else ""),
        (_("距点位（米）"), "" if row.distance_mm is None else f"{row.distance_mm / 1000:.1f}"),
        (_("把握"), "" if row.confidence is None else f"{row.confidence} %"),
        (_("禁停区"), row.zone.code if row.zone else ""),
        (_("连续不合格次数"), str(row.wrong_fixes) if row.wrong_fixes else ""),
        (_("停放起"), _moment(row.stood_since_ms)),
        (_("位置时间"), _moment(row.at_ms)),
    ]
    return {
        "title": row.vehicle_id,
        "illustrative": row.operator.organisation.illustrative,
        "lines": [{"label": label, "text": text} for label, text in lines if text],
        "url": reverse("bikes_seen") + asking.query(q=row.vehicle_id),
    }


def _moment(ms: int) -> str:
    return f"{clock.local(present.at(ms)):%Y-%m-%d %H:%M:%S}"
