"""The public addresses of MDS 2.0, under /mds/v2/: policies, geographies, jurisdictions, requirements."""

from datetime import UTC, datetime
from functools import wraps
from typing import Any
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import override

from shaodao.bikes.publish import facts, mds, mds_places, wire
from shaodao.foundation import clock

TYPE = "application/vnd.mds+json"
CONTENT_TYPE = f"{TYPE};version={mds.VERSION.rpartition('.')[0]}"
MAX_AGE = 60
LATEST = 4_102_444_800_000
"""The year 2100 in milliseconds: what lies beyond is no time that anybody means."""
WORDS = {400: "bad_param", 404: "not_found", 405: "method_not_allowed", 406: "unsupported_version"}


def fault(status: int, text: str) -> HttpResponse:
    """An error as MDS has it."""
    body = {"error": WORDS[status], "error_description": text, "error_details": []}
    return HttpResponse(orjson.dumps(body), status=status, content_type=CONTENT_TYPE)


def _versions(request: HttpRequest) -> bool:
    """Does the caller take version 2.0, or whatever comes?"""
    asked = [kind for kind in request.accepted_types if f"{kind.main_type}/{kind.sub_type}" == TYPE]
    said = [str(kind.params.get("version", "2.0")) for kind in asked]
    return not said or any(version == "2" or version.split(".")[:2] == ["2", "0"] for version in said)


def endpoint(view: wire.View) -> wire.View:
    """Version of the caller, the district's language whatever the reader's (agency_language), errors of the standard."""

    @wire.public(fault)
    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not _versions(request):
            return fault(406, _("只有 MDS 2.0"))
        with override("zh-hans"):
            return view(request, *args, **kwargs)

    return wrapped


def _places() -> mds_places.Places:
    here = facts.ground()
    found = here.made.get("places")
    if found is None:
        found = here.made["places"] = mds_places.read(here)
    return found  # type: ignore[no-any-return]


def _policies(places: mds_places.Places) -> list[mds.Policy]:
    found = [*mds.of_district(places), *mds.of_operators(places), *mds.of_zones(places)]
    return sorted(found, key=lambda one: (one.begins, one.id))


def _send(request: HttpRequest, name: str, data: Any, updated: datetime) -> HttpResponseBase:
    document = {"version": mds.VERSION, "last_updated": mds_places.ms(updated), name: data}
    return wire.send(request, wire.Body.of(document, CONTENT_TYPE, MAX_AGE))


def _updated(places: mds_places.Places, policies: list[mds.Policy]) -> datetime:
    """When the newest of them was published."""
    last = max((one.document["published_date"] for one in policies), default=0)
    return max(places.updated, facts.moment_of(last))


@endpoint
def policies(request: HttpRequest) -> HttpResponseBase:
    """Those that hold now or later; `start_date` and `end_date` (milliseconds) ask for another span."""
    times: dict[str, datetime | None] = {}
    for name in ("start_date", "end_date"):
        given = request.GET.get(name)
        if given is not None and not (given.isascii() and given.isdigit() and len(given) < 15 and int(given) < LATEST):
            return fault(400, _("%(name)s 应为毫秒时间戳") % {"name": name})
        times[name] = None if given is None else datetime.fromtimestamp(int(given) / 1000, UTC)
    places = _places()
    among = _policies(places)
    chosen = [one for one in among if one.overlaps(times["start_date"] or clock.now(), times["end_date"])]
    return _send(request, "policies", [one.document for one in chosen], _updated(places, among))


@endpoint
def policy(request: HttpRequest, key: UUID) -> HttpResponseBase:
    places = _places()
    among = _policies(places)
    found = [one.document for one in among if one.id == str(key)]
    return _send(request, "policies", found, _updated(places, among)) if found else fault(404, _("没有这项政策"))


@endpoint
def geographies(request: HttpRequest) -> HttpResponseBase:
    """All, the retired ones too; made once for everybody."""
    here, places = facts.ground(), _places()
    body = here.made.get("geographies")
    if body is None:
        document = {
            "version": mds.VERSION,
            "last_updated": mds_places.ms(places.updated),
            "geographies": [area.document for area in places.areas],
        }
        body = here.made["geographies"] = wire.Body.of(document, CONTENT_TYPE, MAX_AGE)
    return wire.send(request, body)


@endpoint
def geography(request: HttpRequest, key: UUID) -> HttpResponseBase:
    places = _places()
    found = next((area.document for area in places.areas if area.id == str(key)), None)
    return fault(404, _("没有这个区域")) if found is None else _send(request, "geography", found, places.updated)


@endpoint
def jurisdictions(request: HttpRequest, key: UUID | None = None) -> HttpResponseBase:
    """All, or the one with this id."""
    places = _places()
    found = [one for one in mds_places.jurisdictions(places) if key is None or one["jurisdiction_id"] == str(key)]
    return _send(request, "jurisdictions", found, places.updated) if found else fault(404, _("没有这个辖区"))


@endpoint
def requirements(request: HttpRequest) -> HttpResponseBase:
    places = _places()
    return _send(request, "requirements", mds.requirements(places), places.updated)
