"""MDS 2.0, agency, under /mds/v2/: what an operator's system may say and ask, and errors in the standard's form.

The token says whose vehicles they are. An answer goes out after the commit: what was answered with 201 is kept.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from django.core.signals import got_request_exception
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from shaodao.bikes import rules, settings
from shaodao.bikes.ingest import receive
from shaodao.bikes.models import Operator
from shaodao.bikes.words import IN_FORCE, Source
from shaodao.cases.actions import Actor
from shaodao.foundation import clock
from shaodao.organisations import tokens

log = logging.getLogger("shaodao.mds")
VERSION = "2.0"
TYPE = "application/vnd.mds+json"
READ = {TYPE, "application/json"}
View = Callable[..., HttpResponse]


class Fault(Exception):
    """An error of the standard: HTTP status, its word, ours, what it is about. `counts`: the feed's quality shows it."""

    def __init__(self, status: int, error: str, what: Any, details: tuple[str, ...] = (), *, counts: bool = True):
        super().__init__(str(what))
        self.status, self.error, self.what, self.details, self.counts = status, error, str(what), details, counts


@dataclass(frozen=True)
class Caller:
    """Whose system calls: the operator (with its organisation), and who acts."""

    operator: Operator
    actor: Actor


def respond(data: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(orjson.dumps(data), status=status, content_type=f"{TYPE};version={VERSION}")


def endpoint(**methods: View) -> View:
    """A view by method (`get=…`, `post=…`): version, token, operator; every failure in the standard's form.

    Where positions come in, the failure of a call is counted in the quality of the operator's feed.
    """
    allowed = ", ".join(name.upper() for name in methods)

    @csrf_exempt
    @wraps(next(iter(methods.values())))
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        caller = None
        try:
            view = methods.get(str(request.method).lower())
            if view is None:
                raise Fault(405, "bad_param", _("这里可用：%(methods)s") % {"methods": allowed})
            negotiate(request)
            caller = caller_of(request)
            response = view(request, caller, **kwargs)
        except Exception as error:
            fault = fault_of(request, error)
            if caller is not None and fault.counts and getattr(view, "feeds", False):
                _count(caller.operator, fault)
            body = {"error": fault.error, "error_description": fault.what, "error_details": list(fault.details)}
            response = respond(body, fault.status)
            extra = {401: ("WWW-Authenticate", "Bearer"), 405: ("Allow", allowed), 503: ("Retry-After", "5")}
            if fault.status in extra:
                name, value = extra[fault.status]
                response[name] = value
        patch_vary_headers(response, ("Authorization", "Accept", "Accept-Language"))
        response["Cache-Control"] = "private, no-store"
        return response

    return inner


def feeds(view: View) -> View:
    """Mark a view through which positions come in."""
    view.feeds = True  # type: ignore[attr-defined]
    return view


def fault_of(request: HttpRequest, error: Exception) -> Fault:
    """What goes out; what nobody expected is logged and says nothing."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, UnreadablePostError):
        return Fault(400, "bad_param", _("请求没有传完"))
    if isinstance(error, OperationalError):
        log.warning("%s %s: %s", request.method, request.path, error)
        return Fault(503, "unavailable", _("数据库正忙，请重发"), counts=False)
    got_request_exception.send(sender=Fault, request=request)
    log.exception("%s %s", request.method, request.path)
    return Fault(500, "server_error", _("程序出错，已记录"))


def _count(operator: Operator, fault: Fault) -> None:
    try:
        receive.failed(operator, Source.MDS, f"{fault.status} {fault.what}", clock.now())
    except OperationalError as error:
        log.warning("a failed call of %s was not counted: %s", operator.pk, error)


# ── who calls, in which version ──────────────────────────────────────────────────────────────────────────────────


def _media(text: str) -> tuple[str, dict[str, str]]:
    """A media type and its parameters, both in lower case."""
    kind, *rest = (part.strip().lower() for part in text.split(";"))
    pairs = [part.partition("=")[::2] for part in rest]
    return kind, {name.strip(): value.strip().strip('"') for name, value in pairs}


def _fits(version: str | None) -> bool:
    """Is it the version that is spoken here? A call that names none gets it."""
    return version is None or version == VERSION or version.startswith(VERSION + ".")


def negotiate(request: HttpRequest) -> None:
    """406 for a version that is not spoken here, 415 for a body that is no JSON."""
    wanted = [_media(part) for part in request.headers.get("Accept", "*/*").split(",")]
    if not any(k in {*READ, "*/*", "application/*"} and _fits(given.get("version")) for k, given in wanted):
        raise Fault(406, "bad_param", _("这里的版本是 %(v)s") % {"v": f"{TYPE};version={VERSION}"}, ("Accept",))
    if request.method in {"POST", "PUT"}:
        kind, given = _media(request.headers.get("Content-Type", ""))
        if kind not in READ or request.headers.get("Content-Encoding", "identity") != "identity":
            raise Fault(415, "bad_param", _("内容类型应为 %(t)s，不压缩") % {"t": TYPE}, ("Content-Type",))
        if not _fits(given.get("version")):
            raise Fault(406, "bad_param", _("这里的版本是 %(v)s") % {"v": VERSION}, ("Content-Type",))


def caller_of(request: HttpRequest) -> Caller:
    """The operator behind the token. Raises Fault 401 without a token for pushing bikes, 403 while it is not admitted."""
    kind, _space, plain = request.headers.get("Authorization", "").partition(" ")
    token = tokens.find(plain.strip(), clock.now()) if kind.lower() == "bearer" else None
    if token is None:
        raise Fault(401, "unauthorized", _("令牌无效、已过期或已撤销"))
    if "bikes" not in token.scopes:
        raise Fault(401, "unauthorized", _("令牌没有“%(scope)s”权限") % {"scope": "bikes"})
    actor = Actor.of(token.person)
    rows = Operator.objects.select_related("organisation")
    found = list(rows.filter(organisation_id__in=rules.owned(actor.facts))[:2])
    if len(found) != 1:
        raise Fault(401, "unauthorized", _("令牌的账号应是一家单车企业的经办人"))
    if found[0].state not in IN_FORCE:
        raise Fault(403, "unauthorized", _("企业没有准入，不接收数据"), counts=False)
    return Caller(found[0], actor)


# ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────────


def items_of(request: HttpRequest, *names: str) -> list[Any]:
    """The rows of a call: a JSON array, or an object that has it under one of these names. Raises Fault 400, 411, 413."""
    limits = settings.current().ingest
    length = request.META.get("CONTENT_LENGTH") or ""
    if not (length.isascii() and length.isdigit()):
        raise Fault(411, "bad_param", _("请求应写明 Content-Length"), ("Content-Length",))
    if len(length) > 12 or int(length) > limits.push_mb * 1_000_000:
        raise Fault(413, "bad_param", _("一次最多 %(mb)s MB，请分批") % {"mb": limits.push_mb})
    try:
        data = orjson.loads(request.read())
    except orjson.JSONDecodeError as error:
        raise Fault(400, "bad_param", _("不是完整的 JSON：%(why)s") % {"why": str(error)[:150]}) from None
    found = next((data[name] for name in names if name in data), None) if isinstance(data, dict) else data
    if not isinstance(found, list):
        raise Fault(400, "missing_param", _("应为 JSON 数组，或含有这样一个数组的对象"), names)
    if len(found) > limits.push_rows:
        raise Fault(413, "bad_param", _("一次最多 %(n)d 行，请分批") % {"n": limits.push_rows})
    return found


def bulk(data: dict[str, Any], errors: set[str], *, created: bool) -> HttpResponse:
    """The answer to a call with many rows: 201 (200 for a change) if any was taken; 409 if all are there already, 404 if
    all are of vehicles that a change does not find, else 400."""
    status = 201 if created else 200
    if data["failures"] and not data["success"]:
        known = {"already_registered", "duplicate"}
        status = 409 if errors <= known else 404 if errors == {"unregistered"} and not created else 400
    try:
        return respond(data, status)
    except TypeError:  # an item nested deeper than what orjson writes
        for failure in data["failures"]:
            given = failure["item"].get("device_id") if isinstance(failure["item"], dict) else None
            failure["item"] = {"device_id": given if isinstance(given, str) else None}
        return respond(data, status)
