"""How a document goes out: made once, kept packed and plain, with what caches and browsers of other sites need."""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date
from django.utils.translation import gettext as _

from shaodao.bikes import settings
from shaodao.foundation import clock, district

SMALL = 1_000
"""Bytes below which packing does not pay."""
READING = ("GET", "HEAD")
View = Callable[..., HttpResponseBase]


@dataclass(frozen=True)
class Body:
    """A document as bytes, `max_age` in seconds.

    `made` is what readers are told as Last-Modified: what is in it can also change without being newer (an operator is
    suspended, a zone ends), but never without being made again.
    """

    content: bytes
    packed: bytes
    etag: str
    made: datetime
    content_type: str
    max_age: int

    @classmethod
    def of(cls, document: Any, content_type: str, max_age: int) -> "Body":
        """Of bytes, or of what orjson can write."""
        content = document if isinstance(document, bytes) else orjson.dumps(document)
        packed = gzip.compress(content, 5, mtime=0) if len(content) >= SMALL else b""
        etag = f'W/"{hashlib.sha256(content).hexdigest()[:24]}"'  # weak: the same for both forms
        return cls(content, packed, etag, clock.now(), content_type, max_age)


def send(request: HttpRequest, body: Body) -> HttpResponseBase:
    """The body, packed if the reader takes that; 304 where the reader has it."""
    stamp = int(body.made.timestamp())
    answer: HttpResponseBase | None = get_conditional_response(request, etag=body.etag, last_modified=stamp)
    if answer is None:
        zipped = bool(body.packed) and "gzip" in request.headers.get("Accept-Encoding", "")
        answer = HttpResponse(body.packed if zipped else body.content, content_type=body.content_type)
        if zipped:
            answer["Content-Encoding"] = "gzip"
    answer["ETag"] = body.etag
    answer["Last-Modified"] = http_date(stamp)
    answer["Cache-Control"] = f"public, max-age={body.max_age}"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


def problem(status: int, text: str) -> HttpResponse:
    """An error as everywhere in the API."""
    body = orjson.dumps({"type": "about:blank", "title": text, "status": status})
    return HttpResponse(body, status=status, content_type="application/problem+json")


def is_open() -> bool:
    """Does this district publish anything?"""
    return bool(district.current().code) and settings.current().publish.open


def public(fault: Callable[[int, str], HttpResponse] = problem) -> Callable[[View], View]:
    """A view that answers GET, HEAD and OPTIONS, to pages of any site; 404 with words where the district publishes nothing.

    `fault` makes an error of a status and a text, as the address's standard has it.
    """

    def decorated(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            answer = _answer(view, fault, request, *args, **kwargs)
            answer["Access-Control-Allow-Origin"] = "*"
            answer["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
            if request.method not in READING:
                answer["Allow"] = answer["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
                answer["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
            return answer

        return wrapped

    return decorated


def _answer(
    view: View, fault: Callable[[int, str], HttpResponse], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponseBase:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    if request.method not in READING:
        return fault(405, _("只能读取（GET）"))
    if not is_open():
        return fault(404, _("本区没有公开共享单车数据"))
    return view(request, *args, **kwargs)
