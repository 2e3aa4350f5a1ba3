"""`POST /api/v1/sanitation/tracks`: fixes of boxes as JSON, by token only."""

import math
import time
from typing import Any

import orjson
from django.core.cache import caches
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema
from ninja.errors import AuthenticationError, HttpError
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.wire import answer
from shaodao.organisations import tokens
from shaodao.sanitation import queries, settings
from shaodao.sanitation.models import Box
from shaodao.sanitation.tracks import keys, receive
from shaodao.sanitation.tracks.sent import of_items
from shaodao.sanitation.words import Door

SCOPE = "tracks"
MINUTE = 60


class Caller(HttpBearer):
    """A box's own token (`sb_…`), or a token with the scope `tracks` of somebody who keeps the book, for the whole fleet."""

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        box = keys.find(token)
        if box is not None:
            return box
        found = tokens.find(token, clock.now())
        if found is None:
            raise AuthenticationError(message=str(_("令牌无效、已过期或已撤销")))
        if SCOPE not in found.scopes:
            raise Refused(_("令牌没有“%(scope)s”权限") % {"scope": SCOPE}, forbidden=True)
        if not queries.may_edit(Actor.of(found.person)):
            raise Refused(_("您的岗位没有此项权限"), forbidden=True)
        return found


class ByToken(BaseThrottle):
    """So many calls a minute of one token (429)."""

    def allow_request(self, request: HttpRequest) -> bool:
        who = getattr(request, "auth", None)
        kept, key = (
            caches["limits"],
            f"tracks:{type(who).__name__}:{getattr(who, 'pk', 0)}:{int(time.time()) // MINUTE}",
        )
        if kept.add(key, 1, MINUTE):
            return True
        try:
            return int(kept.incr(key)) <= settings.current().tracks.calls_per_minute
        except ValueError:  # it went away between the two calls
            return True

    def wait(self) -> float:
        return math.ceil(MINUTE - time.time() % MINUTE)


class Fault(Schema):
    row: int = Field(description="From 0.")
    box: str
    vehicle: str
    field: str
    why: str
    what: str = Field(description="In words.")


class Taken(Schema):
    received: int
    kept: int
    known: int = Field(description="There already: sent before, by whatever door.")
    rejected: int
    reasons: dict[str, int]
    marked: dict[str, int] = Field(description="Fixes that are kept without a value that could not be.")
    days: dict[str, int] = Field(description="New fixes by day of the district's clock.")
    faults: list[Fault] = Field(description="The first 100 in their order.")


FIX = {
    "type": "object",
    "required": ["time", "lon", "lat"],
    "properties": {
        "box": {"type": "string", "description": "Code of the box; not needed with the box's own token."},
        "vehicle": {"type": "string", "description": "Code of the vehicle; box or vehicle."},
        "time": {
            "description": "ISO 8601 (without an offset: the district's clock), seconds or milliseconds since 1970."
        },
        "lon": {"type": "number"},
        "lat": {"type": "number"},
        "speed_kmh": {"type": "number"},
        "heading": {"type": "number", "description": "Degrees from north, 0 to 360."},
        "working": {"description": "true or false: pump or brush on."},
        "datum": {"type": "string", "enum": ["WGS-84", "CGCS2000", "GCJ-02", "BD-09"]},
    },
}
BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "oneOf": [
                    {"type": "array", "items": FIX},
                    {"type": "object", "required": ["fixes"], "properties": {"fixes": {"type": "array", "items": FIX}}},
                ]
            }
        }
    },
}
router = Router(tags=["sanitation"], auth=Caller(), throttle=[ByToken()])


@router.post(
    "/sanitation/tracks",
    response={200: Taken, 201: Taken},
    summary="Fixes of sanitation vehicles",
    openapi_extra={"requestBody": BODY, "x-problems": {"413": "Too large", "429": "Too many requests"}},
)
def push(request: HttpRequest) -> HttpResponse:
    """Takes what is right and names what is not, row by row. 201: some are new; 200: all were known; 422: none was right, `errors` names them.

    Sending the same again keeps nothing twice. At most `push_rows` fixes a call (413) and `calls_per_minute` a token (429).
    """
    items, now = _items(request), clock.now()
    who = request.auth  # type: ignore[attr-defined]
    owners = [who.code] * len(items) if isinstance(who, Box) else None
    found = receive.take(of_items(items, owners=owners), Door.HTTP, now)
    faults = receive.said(found.faults)
    if faults and not (found.kept or found.known):
        raise Invalid({f"fixes.{fault['row']}.{fault['field']}".rstrip("."): fault["what"] for fault in faults})
    return answer(found.as_dict() | {"faults": faults}, 201 if found.kept else 200)


def _items(request: HttpRequest) -> list[Any]:
    """Raises what the API answers with 400, 413 or 422."""
    limits = settings.current().tracks
    try:
        body = request.body
        if len(body) > limits.push_mb * 1_000_000:
            raise RequestDataTooBig
        found = orjson.loads(body)
    except RequestDataTooBig:
        receive.failed(Door.HTTP, "413", clock.now())
        raise
    except orjson.JSONDecodeError as error:
        receive.failed(Door.HTTP, f"not JSON: {error}", clock.now())
        raise HttpError(400, _("请求的内容不是有效的 JSON")) from None
    if isinstance(found, dict):
        found = found.get("fixes", [found] if "time" in found else None)
    if not isinstance(found, list):
        receive.failed(Door.HTTP, "no list", clock.now())
        raise Invalid({"fixes": _("应为定位的数组")})
    if len(found) > limits.push_rows:
        receive.failed(Door.HTTP, f"{len(found)} rows", clock.now())
        raise HttpError(413, _("一次最多 %(n)d 行，请分批") % {"n": limits.push_rows})
    return found
