"""JSON on its way out, for every room's API: rows made for the wire go out as they are, written by orjson."""

from typing import Any

import orjson
from django.http import HttpResponse

from shaodao.foundation.naming import named

JSON = "application/json"


def answer(data: Any, status: int = 200, **headers: str) -> HttpResponse:
    """A JSON answer; header names are given with underscores (`Cache_Control="no-store"`)."""
    response = HttpResponse(orjson.dumps(data, default=str), status=status, content_type=JSON)
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response


def coded(row: Any) -> dict[str, Any] | None:
    """A place or an organisation by code and name."""
    return {"code": row.code, "name": named(row)} if row is not None else None
