"""Reads about spot checks: who counts where and sees what, which bays come next, how far feeds are off."""

from datetime import timedelta
from typing import Any

import numpy as np
from django.db.models import Avg, Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Abs
from django.http import HttpRequest

from shaodao.bikes import settings
from shaodao.bikes.findings.queries import COMMUNITIES, STREETS, own_operators, sees_whole
from shaodao.bikes.models import Bay, Operator, SpotCheck
from shaodao.bikes.words import IN_FORCE
from shaodao.cases.facts import ActorFacts
from shaodao.cases.requests import actor_of
from shaodao.foundation import clock, uploads
from shaodao.foundation.models import Upload
from shaodao.kernel.geodesy import distance_m

ANYWHERE = frozenset({"inspector"})
NEAREST = 12


def territory(actor: ActorFacts) -> Q | None:
    """The bays that somebody counts: an inspector all, a street or community its own; None: nobody's business."""
    if any(p.role in ANYWHERE for p in actor.posts):
        return Q()
    streets = [p.place_id for p in actor.posts if p.role in STREETS and p.place_id]
    communities = [p.place_id for p in actor.posts if p.role in COMMUNITIES and p.place_id]
    return Q(street__in=streets) | Q(community__in=communities) if streets or communities else None


def may_count(actor: ActorFacts, bay: Bay) -> bool:
    """Is the bay in somebody's territory?"""
    mine = territory(actor)
    return mine is not None and Bay.objects.filter(mine, pk=bay.pk, active=True).exists()


def bays(actor: ActorFacts, *, text: str = "", near: tuple[float, float] | None = None) -> list[Bay]:
    """Bays to count, with `last` (when one was last counted) and `metres`: the nearest, else those found by the text,
    else those that were never or longest not counted."""
    mine = territory(actor)
    if mine is None:
        return []
    rows: QuerySet[Any] = Bay.objects.filter(mine, active=True).select_related("street", "community")
    rows = rows.annotate(last=Max("spot_checks__at"))
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text))
    if near is None:
        return list(rows.order_by(F("last").asc(nulls_first=True), "code")[:NEAREST])
    points = list(rows.order_by().values_list("pk", "lon", "lat"))
    if not points:
        return []
    pks, lon, lat = (np.array(column) for column in zip(*points, strict=True))
    metres = distance_m(near[0], near[1], lon, lat)
    first = np.argsort(metres, kind="stable")[:NEAREST]
    far = {int(pks[i]): round(float(metres[i])) for i in first}
    found = sorted(rows.filter(pk__in=far), key=lambda bay: (far[bay.pk], bay.code))
    for bay in found:
        bay.metres = far[bay.pk]
    return found


def operators() -> list[Operator]:
    """Those whose bikes may stand in the street: in force, or in the feeds."""
    rows = Operator.objects.filter(Q(state__in=IN_FORCE) | Q(statuses__isnull=False)).distinct()
    return list(rows.select_related("organisation").order_by("organisation__code"))


def visible(actor: ActorFacts) -> QuerySet[SpotCheck]:
    """The counts that somebody may see: all, those of their territory, those of their own operator."""
    rows = SpotCheck.objects.select_related("bay", "operator__organisation", "person", "upload")
    if sees_whole(actor):
        return rows
    streets = [p.place_id for p in actor.posts if p.role in STREETS and p.place_id]
    communities = [p.place_id for p in actor.posts if p.role in COMMUNITIES and p.place_id]
    mine = own_operators(actor)
    return rows.filter(Q(bay__street__in=streets) | Q(bay__community__in=communities) | Q(operator__in=mine))


def summary() -> list[dict[str, Any]]:
    """For each operator that was counted in the pack's days: how many counts, bikes by eye and by its feed, the mean
    absolute difference and the mean difference of a count; counts while its feed was silent by themselves. Two queries."""
    since = clock.now() - timedelta(days=settings.current().spot_checks.days)
    rows = SpotCheck.objects.filter(at__gte=since, operator__isnull=False).order_by()
    heard = Q(silent=False)
    found: list[Any] = list(
        rows.values("operator").annotate(
            n=Count("pk", filter=heard),
            n_silent=Count("pk", filter=Q(silent=True)),
            by_eye=Sum("counted", filter=heard),
            by_feed=Sum("fed", filter=heard),
            mean=Avg(Abs("difference"), filter=heard),
            bias=Avg("difference", filter=heard),
        )
    )
    known = Operator.objects.filter(pk__in=[r["operator"] for r in found]).select_related("organisation")
    names = {o.pk: o.organisation for o in known}
    for row in found:
        row["unit"] = names[row["operator"]]
        row["mean"], row["bias"] = (None if row[k] is None else round(float(row[k]), 1) for k in ("mean", "bias"))
    return sorted(found, key=lambda r: (r["mean"] is None, -(r["mean"] or 0), r["unit"].code))


def viewer(request: HttpRequest, upload: Upload, kind: str) -> str:
    """Who may see the photo of a count: who may see the count; an operator only the public's copy."""
    rows = SpotCheck.objects.filter(upload=upload)
    if kind == "original" or not request.user.is_authenticated or not rows.exists():
        return uploads.NOBODY
    actor = actor_of(request).facts
    if kind in uploads.INSIDE and own_operators(actor):
        return uploads.NOBODY
    return uploads.PRIVATE if visible(actor).filter(upload=upload).exists() else uploads.NOBODY
