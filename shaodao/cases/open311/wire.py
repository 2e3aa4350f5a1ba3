"""The wire of GeoReport v2: XML and JSON from the same rows, dates of the W3C note, the standard's list of errors."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any
from xml.etree import ElementTree

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import patch_vary_headers
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt

from shaodao.cases.actions import Actor
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.organisations import tokens
from shaodao.organisations.models import ApiToken

log = logging.getLogger("shaodao.open311")
ITEMS = {  # what one element of a list is called in XML
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
TYPES = {"xml": "text/xml; charset=utf-8", "json": "application/json; charset=utf-8"}
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
View = Callable[..., HttpResponse]


class Fault(Exception):
    """One of the standard's errors: an HTTP status and what was wrong."""

    def __init__(self, code: int, description: Any) -> None:
        super().__init__(str(description))
        self.code, self.description = code, str(description)


def respond(form: str, root: str, data: Any, status: int = 200) -> HttpResponse:
    """`data` (rows, or one row) under its root element, in the form that was asked for."""
    body = orjson.dumps(data, default=str) if form == "json" else xml(root, data)
    return HttpResponse(body, status=status, content_type=TYPES[form])


def xml(root: str, data: Any) -> bytes:
    """UTF-8 with its declaration; None is an empty element, lists hold elements named by ITEMS."""
    element = ElementTree.Element(root)
    _fill(element, data)
    return ElementTree.tostring(element, encoding="utf-8", xml_declaration=True)


def _fill(element: ElementTree.Element, data: Any) -> None:
    if isinstance(data, dict):
        for name, value in data.items():
            _fill(ElementTree.SubElement(element, name), value)
    elif isinstance(data, list):
        for value in data:
            _fill(ElementTree.SubElement(element, ITEMS.get(element.tag, "item")), value)
    elif isinstance(data, bool):
        element.text = "true" if data else "false"
    elif data is not None:
        element.text = NOT_XML.sub("", str(data))


def errors(form: str, faults: list[Fault]) -> HttpResponse:
    rows = [{"code": f.code, "description": f.description} for f in faults]
    return respond(form, "errors", rows, faults[0].code)


def endpoint(*methods: str) -> Callable[[View], View]:
    """A view of the standard: its method, its jurisdiction, and every failure as the standard's list of errors."""

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def inner(request: HttpRequest, form: str = "xml", **kwargs: Any) -> HttpResponse:
            try:
                if request.method not in (*methods, "HEAD"):
                    raise Fault(405, _("这里可用：%(methods)s") % {"methods": ", ".join(methods)})
                jurisdiction(request)
                named = {k: NOT_XML.sub("", v) for k, v in kwargs.items()}  # PostgreSQL refuses a NUL
                response = view(request, form=form, **named)
            except Exception as error:
                response = errors(form, faults_of(request, error))
                if response.status_code == 405:
                    response["Allow"] = ", ".join(methods)
            patch_vary_headers(response, ("Accept-Language",))
            return response

        return inner

    return wrap


PLAIN: tuple[tuple[Any, int, str | Promise], ...] = (
    (Conflict, 409, gettext_lazy("案件已被他人更新，请看过变化再操作")),
    (RequestDataTooBig, 413, gettext_lazy("请求过大")),
    ((SuspiciousOperation, MultiPartParserError), 400, gettext_lazy("请求有误")),
)


def faults_of(request: HttpRequest, error: Exception) -> list[Fault]:
    """Our errors in the standard's words; what nobody expected is logged and says nothing."""
    if isinstance(error, Fault):
        return [error]
    if isinstance(error, Invalid):
        return [Fault(400, f"{name}: {what}") for name, what in error.errors.items()]
    if isinstance(error, Refused):
        return [Fault(403 if error.forbidden else 400, error.reason)]
    for kind, code, words in PLAIN:
        if isinstance(error, kind):
            return [Fault(code, words)]
    got_request_exception.send(sender=Fault, request=request)
    log.exception("%s %s", request.method, request.path)
    return [Fault(500, _("程序出错，已记录"))]


def parameters(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def given(request: HttpRequest, name: str) -> str:
    """A parameter as clean text, empty when absent; of a repeated one the last."""
    return NOT_XML.sub("", parameters(request).get(name) or "").strip()


def listed(request: HttpRequest, name: str) -> list[str]:
    """A parameter that may be repeated or separated by commas."""
    parts = [p.strip() for text in parameters(request).getlist(name) for p in NOT_XML.sub("", text).split(",")]
    return list(dict.fromkeys(p for p in parts if p))


def jurisdiction(request: HttpRequest) -> None:
    """One installation is one district: another's id is not found."""
    wanted = given(request, "jurisdiction_id")
    if wanted and wanted != district.current().code:
        raise Fault(404, _("没有这个 jurisdiction_id：%(id)s") % {"id": wanted[:40]})


def key(request: HttpRequest) -> tuple[ApiToken, Actor]:
    """The token behind `api_key` (or a Bearer header) and who acts with it. Raises Fault 403."""
    plain = given(request, "api_key") or request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    if not plain:
        raise Fault(403, _("缺少 api_key"))
    token = tokens.find(plain, clock.now())
    if token is None or not {"report", "act"} & set(token.scopes):
        raise Fault(403, _("api_key 无效"))
    return token, Actor.of(token.person)


def stamp(at: datetime | None) -> str | None:
    """A time as the W3C note writes it, with the district's offset."""
    return clock.local(at).isoformat(timespec="seconds") if at else None


def instant(request: HttpRequest, name: str) -> datetime | None:
    """A date or time parameter. A `+` that arrived as a space is mended; without an offset it is the district's."""
    text = given(request, name)
    text = text.replace(" ", "+") if "T" in text else text
    if not text:
        return None
    try:
        found: datetime | date | None = parse_datetime(text) or parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise Fault(400, _("%(name)s 应为 W3C 格式，例如 2026-05-21T08:30:00+08:00") % {"name": name})
    at = found if isinstance(found, datetime) else datetime(found.year, found.month, found.day)  # noqa: DTZ001
    at = clock.from_local(at) if at.tzinfo is None else at
    if not EARLIEST <= at <= LATEST:
        raise Fault(400, _("%(name)s 应在 1900 年与 2200 年之间") % {"name": name})
    return at


def number(request: HttpRequest, name: str, low: float, high: float, default: float | None = None) -> float | None:
    """A numeric parameter within its bounds."""
    text = given(request, name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise Fault(400, _("%(name)s 应为 %(low)g 到 %(high)g 之间的数") % {"name": name, "low": low, "high": high})
    return value
