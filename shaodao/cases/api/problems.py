"""Errors as problem details (RFC 9457): every answer of the API that is not a success has this one form."""

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from shaodao.foundation import voice
from shaodao.foundation.errors import Conflict, Invalid, Refused

CONTENT_TYPE = "application/problem+json"
Text = str | Promise
log = logging.getLogger("shaodao.api")


class Problem(Exception):
    """An answer that is not a success, from anywhere in the API."""

    def __init__(self, status: int, detail: Any, **more: Any) -> None:
        super().__init__(str(detail))
        self.status, self.detail, self.more = status, detail, more


def respond(status: int, detail: Any, *, kind: str = "about:blank", **more: Any) -> HttpResponse:
    """A problem document: type, title, status, detail, and members of its own such as `errors` or `version`."""
    headers = more.pop("headers", {})
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": str(detail), **more}
    response = HttpResponse(orjson.dumps(body, default=str), status=status, content_type=CONTENT_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = 'Bearer realm="shaodao"'
    for name, value in headers.items():
        response[name] = value
    return response


def invalid(errors: dict[str, Any]) -> HttpResponse:
    """422 with what is wrong with each field."""
    plain = {str(k): str(v) for k, v in errors.items()}
    return respond(422, _("有 %(n)d 处填写不对") % {"n": len(plain)}, kind="invalid", errors=plain)


# Where a value came from, and the names of parameters that stand for the whole query or body: no fields of the caller's.
SOURCES = {"body", "query", "path", "header", "form", "payload", "wanted"}


def _validation(request: HttpRequest, exc: Exception) -> HttpResponse:
    assert isinstance(exc, ValidationError)
    errors: dict[str, str] = {}
    for error in exc.errors:
        place = [str(p) for p in error["loc"] if p not in SOURCES]
        errors.setdefault(".".join(place) or "body", voice.of_json(error))
    return invalid(errors)


def _http(request: HttpRequest, exc: Exception) -> HttpResponse:
    assert isinstance(exc, HttpError)
    if isinstance(exc, Throttled):
        return respond(429, _("请求太频繁，请稍后再试"))
    if exc.status_code == HTTPStatus.UNAUTHORIZED and str(exc) == "Unauthorized":
        return respond(401, _("请登录或使用令牌"))
    if exc.status_code == HTTPStatus.BAD_REQUEST and str(exc).startswith("Cannot parse request body"):
        return respond(400, _("请求的内容不是有效的 JSON"))
    return respond(exc.status_code, exc)


def _conflict(request: HttpRequest, exc: Exception) -> HttpResponse:
    """Somebody was faster: the version that stands, and what happened since the one that was seen."""
    assert isinstance(exc, Conflict)
    from shaodao.cases.api.show import event_line

    since = exc.subject.events.filter(seq__gt=exc.seen).order_by("seq")[:50]
    return respond(
        409,
        _("案件已被他人更新，请看过变化再操作"),
        kind="conflict",
        version=exc.version,
        seen=exc.seen,
        events=[event_line(e) for e in since],
        headers={"ETag": f'"{exc.version}"'},
    )


def _refused(request: HttpRequest, exc: Exception) -> HttpResponse:
    assert isinstance(exc, Refused)
    return respond(403 if exc.forbidden else 409, exc.reason, kind="forbidden" if exc.forbidden else "refused")


PLAIN: dict[type[Exception], tuple[int, Text]] = {
    Http404: (404, gettext_lazy("没有找到")),
    RequestDataTooBig: (413, gettext_lazy("请求过大")),
    SuspiciousOperation: (400, gettext_lazy("请求有误")),
    MultiPartParserError: (400, gettext_lazy("表单数据无法读取")),
    UnreadablePostError: (400, gettext_lazy("请求没有传完")),
}


def _plain(request: HttpRequest, exc: Exception) -> HttpResponse:
    return respond(*next(PLAIN[kind] for kind in type(exc).__mro__ if kind in PLAIN))


def _problem(request: HttpRequest, exc: Exception) -> HttpResponse:
    assert isinstance(exc, Problem)
    return respond(exc.status, exc.detail, **exc.more)


def _invalid(request: HttpRequest, exc: Exception) -> HttpResponse:
    assert isinstance(exc, Invalid)
    return invalid(exc.errors)


HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    **dict.fromkeys(PLAIN, _plain),
    Problem: _problem,
    ValidationError: _validation,
    HttpError: _http,
    Invalid: _invalid,
    Refused: _refused,
    Conflict: _conflict,
}


def install(api: NinjaAPI) -> None:
    """Give an API these handlers; what nobody expected is `house.guarded`'s business."""
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)
