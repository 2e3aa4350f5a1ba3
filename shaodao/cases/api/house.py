"""The API's frame: Django Ninja with problem details everywhere, also for unknown addresses, methods and media types."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.openapi.urls import get_openapi_urls
from ninja.parser import Parser
from ninja.renderers import BaseRenderer

from shaodao.cases.api import problems
from shaodao.cases.api.schemas import ProblemDetails
from shaodao.foundation.wire import JSON, answer

MULTIPART = "multipart/form-data"
PROBLEMS = {
    "400": "Not understood",
    "401": "Sign in or use a token",
    "403": "Not yours to do",
    "404": "Not found",
    "409": "Not possible now, or changed meanwhile",
    "422": "Fields are not right; `errors` names them",
}
View = Callable[..., HttpResponseBase]


class OrjsonRenderer(BaseRenderer):
    media_type = JSON

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str)


class OrjsonParser(Parser):
    """JSON by orjson; a NUL, which PostgreSQL refuses in text, becomes the sign for what cannot be shown."""

    def parse_body(self, request: HttpRequest) -> Any:
        found = orjson.loads(request.body)
        return without_nul(found) if b"\\u0000" in request.body else found

    def parse_querydict(self, data: Any, list_fields: list[str], request: HttpRequest) -> Any:
        return without_nul(super().parse_querydict(data, list_fields, request))


def without_nul(value: Any) -> Any:
    """The same value with U+FFFD for each NUL in its strings, at any depth."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [without_nul(v) for v in value]
    if isinstance(value, dict):
        return {without_nul(k): without_nul(v) for k, v in value.items()}
    return value


class House(NinjaAPI):
    """`urls` gives the rooms' addresses, each guarded, and one last address that says 404 in the API's own form."""

    def __init__(self, **options: Any) -> None:
        super().__init__(parser=OrjsonParser(), renderer=OrjsonRenderer(), docs_url=None, **options)
        problems.install(self)
        self._schema: dict[str, Any] | None = None

    def _get_urls(self) -> list[Any]:
        patterns: list[Any] = get_openapi_urls(self)
        for room in self._get_bound_routers():
            patterns.extend(room.urls_paths(room.prefix))
        patterns.append(path("", self._index, name="api-root"))
        for pattern in patterns:
            if isinstance(pattern, URLPattern):
                pattern.callback = guarded(pattern.callback, MULTIPART if pattern.name == "upload" else JSON)
        return [*patterns, re_path(r"", csrf_exempt(lost))]

    def _index(self, request: HttpRequest) -> HttpResponse:
        """Where everything starts."""
        return answer({"title": self.title, "version": self.version, "openapi": request.path + "openapi.json"})

    def get_openapi_schema(self, **options: Any) -> Any:
        """The description (OpenAPI 3.1), with the problem answers that every operation shares and what needs no key."""
        if self._schema is None:
            self._schema = described(super().get_openapi_schema(**options))
        return self._schema


def guarded(view: View, media: str) -> View:
    """405, 415 and what nobody expected become problem details too."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        body = request.method == "POST" and request.META.get("CONTENT_LENGTH") not in (None, "", "0")
        if body and request.content_type != media:
            return problems.respond(415, _("内容类型应为 %(media)s") % {"media": media})
        try:
            response = view(request, *args, **kwargs)
        except Exception:
            got_request_exception.send(sender=House, request=request)
            problems.log.exception("%s %s", request.method, request.path)
            return problems.respond(500, _("程序出错，已记录"))
        if isinstance(response, HttpResponseNotAllowed):
            allow = response["Allow"]
            return problems.respond(405, _("这里可用：%(methods)s") % {"methods": allow}, headers={"Allow": allow})
        patch_vary_headers(response, ("Authorization", "Cookie", "Accept-Language"))
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    return inner


def lost(request: HttpRequest) -> HttpResponse:
    return problems.respond(404, _("没有这个地址：%(path)s") % {"path": request.path[:200]})


def described(schema: Any) -> Any:
    """Add to each operation its problem answers, and `{}` to the security of those that anybody may call."""
    model = ProblemDetails.model_json_schema()
    schema["components"]["schemas"]["ProblemDetails"] = model
    content = {problems.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    for operations in schema["paths"].values():
        for operation in operations.values():
            for status, words in {**PROBLEMS, **operation.pop("x-problems", {})}.items():
                operation["responses"].setdefault(status, {"description": words, "content": content})
            if operation.pop("x-open", False):
                operation.setdefault("security", []).append({})
    return schema
