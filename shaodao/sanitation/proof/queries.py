"""What the pages of a proof show: the board of a day, the evidence behind a cell, findings, what nobody can tell."""

from datetime import date
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from shaodao.foundation.naming import named
from shaodao.sanitation.models import (
    Crew,
    DayPlan,
    DayProof,
    Leg,
    ProvenPass,
    Road,
    Segment,
    ServiceFinding,
    ServiceMode,
    Vehicle,
)
from shaodao.sanitation.proof import figures, places, texts
from shaodao.sanitation.proof.words import Kind, PassState
from shaodao.sanitation.words import LegKind, PlanState

GOOD, FAIR = 0.95, 0.80
"""Shares from which a cell is green, or yellow; one that would be green if what nobody can tell were done is neither."""


def latest_day() -> date | None:
    """The newest day that is proven or has a published plan."""
    days = [
        DayProof.objects.filter(current=True).aggregate(day=Max("day"))["day"],
        DayPlan.objects.filter(state=PlanState.PUBLISHED).aggregate(day=Max("day"))["day"],
    ]
    return max((day for day in days if day), default=None)


def latest_proof() -> date | None:
    """The newest day that is proven and over."""
    found: date | None = DayProof.objects.filter(current=True, closed=True).aggregate(day=Max("day"))["day"]
    return found


def proof_of(day: date) -> DayProof | None:
    return DayProof.objects.filter(day=day, current=True).select_related("plan", "made_by").first()


# ── the board ────────────────────────────────────────────────────────────────────────────────────────────────────


def board(day: date, proof: DayProof | None) -> dict[str, Any]:
    """{"columns", "rows", "planned"}: roads by passes. Four queries, whatever the number of roads."""
    roads = list(Road.objects.filter(active=True).order_by("code"))
    modes = {m.code: m for m in ServiceMode.objects.order_by("priority", "code")}
    cells = proof.figures["cells"] if proof else _planned(day, roads, modes)
    order = {code: n for n, code in enumerate(modes)}
    found = {(mode, int(number)) for _road, mode, number in (key.split("|") for key in cells) if mode in modes}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1]))
    columns = [{"mode": modes[code], "pass": number} for code, number in keys]
    rows = [
        {
            "road": road,
            "cells": [_cell(day, road, modes[m], n, cells.get(f"{road.code}|{m}|{n}"), proof) for m, n in keys],
            "total": shown(proof.figures["roads"].get(road.code)) if proof else None,
        }
        for road in roads
    ]
    heads = [(modes[code], sum(key[0] == code for key in keys)) for code in dict.fromkeys(key[0] for key in keys)]
    totals = [shown(proof.figures["passes"].get(f"{m}|{n}")) for m, n in keys] if proof else []
    return {"columns": columns, "heads": heads, "rows": rows, "totals": totals}


def _planned(day: date, roads: list[Road], modes: dict[str, ServiceMode]) -> dict[str, Any]:
    """By cell the passes of the published plan: segments, first and last time; else what the modes ask, without times."""
    legs = Leg.objects.filter(
        trip__plan__day=day, trip__plan__state=PlanState.PUBLISHED, kind=LegKind.SERVICE
    ).order_by()
    rows = legs.values_list("segment__road__code", "mode__code", "pass_no").annotate(
        n=Count("segment", distinct=True), begin=Min("begin_s"), end=Max("end_s")
    )
    found = {f"{road}|{mode}|{no}": {"n": n, "begin": begin, "end": end} for road, mode, no, n, begin, end in rows}
    if found:
        return found
    many = dict(Segment.objects.filter(active=True).order_by().values_list("road__code").annotate(n=Count("pk")))
    return {
        f"{road.code}|{mode.code}|{no}": {"n": many[road.code], "begin": None, "end": None}
        for road in roads
        if road.code in many
        for mode in modes.values()
        if mode.active and (not mode.months or day.month in mode.months)
        for no in range(1, mode.passes + 1)
    }


def shown(group: dict[str, Any] | None) -> dict[str, Any] | None:
    """A group of figures as a cell shows it: {"percent", "unsure", "light", "word", "pattern", "group"}."""
    if not group:
        return None
    share, open_ = figures.rate(group), figures.unsure(group)
    if share is None:
        return {"percent": None, "unsure": 0.0, "light": "done", "word": PassState.PENDING.label, "group": group}
    lacking = max((group["missing_m"], PassState.MISSING), (group["short_m"], PassState.SHORT))
    if share >= GOOD:
        light, word = "green", PassState.DONE.label
    elif share + open_ >= GOOD or not lacking[0]:
        light, word = "paused", PassState.UNSURE.label
    else:
        light, word = "yellow" if share + open_ >= FAIR else "red", lacking[1].label
    return {
        "percent": figures.percent(share), "unsure": figures.percent(open_) if open_ else 0.0, "light": light,
        "word": word, "group": group, "wrong": [Kind(kind).label for kind in group["wrong"]],
    }  # fmt: skip


def _cell(
    day: date, road: Road, mode: ServiceMode, number: int, group: dict[str, Any] | None, proof: DayProof | None
) -> dict[str, Any] | None:
    if group is None:
        return None
    label = {"label": f"{named(mode)} {number}"}
    if proof is None:
        return group | label | {"planned": True}
    url = reverse("sanitation_evidence", args=[day.isoformat(), road.code, mode.code, number])
    return (shown(group) or {}) | label | {"url": url}


def lacking(proof: DayProof) -> dict[str, list[dict[str, Any]]]:
    """Who runs short: crews and vehicles, those with most metres missing or short first; and services. Three queries."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name, model in (("modes", ServiceMode), ("crews", Crew), ("vehicles", Vehicle)):
        groups = proof.figures[name]
        names = {row.code: row for row in model.objects.filter(code__in=groups)}
        rows: list[dict[str, Any]] = [
            {"row": names.get(code), "code": code, "lack_m": g["missing_m"] + g["short_m"], **(shown(g) or {})}
            for code, g in groups.items()
        ]
        rows.sort(key=lambda r: (-r["lack_m"], r["code"]))
        keep = rows if name == "modes" else [r for r in rows if r["lack_m"] > 0]
        found[name] = keep[:12]
    return found


# ── the evidence ─────────────────────────────────────────────────────────────────────────────────────────────────


def passes(proof: DayProof, road: Road, mode: ServiceMode, number: int) -> list[ProvenPass]:
    rows = proof.passes.filter(segment__road=road, mode=mode, pass_no=number)
    return list(rows.select_related("segment", "vehicle", "crew").order_by("segment__code", "pk"))


def drawn(rows: list[ProvenPass], tracks: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """GeoJSON of passes: the serviced part of each segment, its gaps, and the tracks of the vehicles."""
    features = [] if tracks is None else list(tracks)
    for row in rows:
        light = {PassState.DONE: "green", PassState.UNSURE: "paused", PassState.PENDING: "done"}.get(
            PassState(row.state), "yellow"
        )
        label = f"{row.segment.code} {row.get_state_display()}"
        if row.serviced_m > 1:
            features.append(_line(places.part(row.segment, 0.0, row.length_m), label, light, ""))
        gaps = row.gaps if row.pass_no and row.state in (PassState.SHORT, PassState.MISSING, PassState.UNSURE) else []
        for low, high in gaps:
            text = _("%(s)s 缺口 %(a)d–%(b)d 米") % {"s": row.segment.code, "a": low, "b": high}
            unsure = row.state == PassState.UNSURE
            features.append(_line(places.part(row.segment, low, high), text, "paused" if unsure else "red", "gap"))
    return {"type": "FeatureCollection", "features": features}


def _line(points: list[list[float]], label: str, light: str, role: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": [[round(x, 6), round(y, 6)] for x, y in points]},
        "properties": {"layer": "way", "role": role, "tone": light, "label": label, "title": label},
    }


# ── findings, and what nobody can tell ───────────────────────────────────────────────────────────────────────────


def listed(**given: str) -> QuerySet[ServiceFinding]:
    """Findings by the page's filters: kind, state, road, day."""
    rows = ServiceFinding.objects.select_related("road", "mode", "crew", "case").order_by("-day", "road__code", "pk")
    if given.get("kind") in Kind.values:
        rows = rows.filter(kinds__contains=f",{given['kind']},")
    if given.get("state"):
        rows = rows.filter(state=given["state"])
    if given.get("road"):
        rows = rows.filter(road__code=given["road"])
    if given.get("day"):
        rows = rows.filter(day=given["day"])
    return rows


def lines(rows: list[ServiceFinding]) -> list[dict[str, Any]]:
    return [{"row": row, "groups": [g | {"text": texts.sentence(g)} for g in texts.grouped(row)]} for row in rows]


def review(day: date) -> list[dict[str, Any]]:
    """What nobody can tell of a day, by road, service and pass: it never becomes a case, a person looks. The silent and the longest first. One query."""
    rows = ProvenPass.objects.filter(proof__day=day, proof__current=True, state=PassState.UNSURE, pass_no__gt=0)
    names = ("segment__road__code", "segment__road__name", "mode__code", "mode__name", "mode__name_en", "pass_no", "why",
             "segment__road__name_en")  # fmt: skip
    found = rows.order_by().values(*names).annotate(n=Count("pk"), metres=Sum("length_m"))
    return list(found.order_by("why", "-metres", "segment__road__code", "mode__code", "pass_no"))
