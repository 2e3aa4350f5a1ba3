"""Published cases in other forms: GeoJSON for maps, Atom for readers and search engines."""

from datetime import datetime
from typing import Any

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext_lazy as _

from shaodao.cases.models import Case
from shaodao.cases.words import OPEN_STATES, CaseState
from shaodao.foundation.naming import named
from shaodao.portal import queries
from shaodao.portal.words import masked, plain, where


def title_of(case: Case) -> str:
    return named(case.category) or str(_("未归类"))


def geojson(cases: list[Case]) -> dict[str, Any]:
    """A FeatureCollection (WGS-84) of published cases with a position; others are left out."""
    return {"type": "FeatureCollection", "features": [_feature(c) for c in cases if _has_point(c)]}


def _has_point(case: Case) -> bool:
    return case.published and case.lon is not None and case.lat is not None


def _sign(case: Case) -> tuple[str, Any]:
    """The marker's shape and what it means to the public: at work, closed, or left aside."""
    if case.state in OPEN_STATES:
        return "yellow", _("办理中")
    return ("done", _("已结案")) if case.state == CaseState.CLOSED else ("paused", _("未办理"))


def _feature(case: Case) -> dict[str, Any]:
    light, words = _sign(case)
    photo = next((p for p in getattr(case, "shown", [])), None)
    properties = {
        "layer": "case",
        "number": case.number,
        "label": title_of(case),
        "title": title_of(case),
        "state": str(plain(case).label),
        "light": light,
        "light_words": str(words),
        "text": masked(case.public_text)[:200],
        "url": reverse("public_case", args=[case.number]),
        "photo": reverse("media", args=["thumbnail", photo.upload_id]) if photo else "",
        "created": case.created_at.isoformat(),
    }
    point = {"type": "Point", "coordinates": [round(case.lon or 0, 6), round(case.lat or 0, 6)]}
    return {"type": "Feature", "id": case.pk, "geometry": point, "properties": properties}


class PublicFeed(Feed):  # type: ignore[type-arg]
    """The newest fifty published cases (Atom)."""

    feed_type = Atom1Feed
    title = _("公开案件")
    subtitle = _("经审核公开的城市管理案件")

    def link(self) -> str:
        return reverse("public_cases")

    def items(self) -> list[Case]:
        return list(queries.listed(queries.Filters()).filter(published=True)[:50])

    def item_title(self, item: Case) -> str:  # type: ignore[override]
        return f"{title_of(item)} {item.number}"

    def item_description(self, item: Case) -> str:  # type: ignore[override]
        return f"{plain(item).label} · {where(item)} · {masked(item.public_text)}"

    def item_link(self, item: Case) -> str:
        return reverse("public_case", args=[item.number])

    def item_pubdate(self, item: Case) -> datetime:
        return item.created_at

    def item_updateddate(self, item: Case) -> datetime:
        return item.closed_at or item.created_at
