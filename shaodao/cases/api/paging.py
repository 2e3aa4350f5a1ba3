"""Pages of a list, with the Link header (RFC 8288)."""

from typing import Annotated, Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import Field

MOST = 100
Page = Annotated[int, Query(1, ge=1, le=1_000_000, description="Page, from 1.")]
PageSize = Annotated[int, Query(50, ge=1, le=MOST, description="Rows a page, at most 100.")]
Short = Annotated[str, Field(max_length=100)]


class PageHead(Schema):
    """What every list says of its page; the rows follow as `items`."""

    total: int
    page: int
    pages: int
    page_size: int


def page_of(rows: QuerySet[Any], page: int, size: int) -> tuple[dict[str, Any], list[Any]]:
    """The page's head (total, page, pages, page_size) and its rows: two queries."""
    total = rows.count()
    start = (page - 1) * size
    found = list(rows[start : start + size]) if start < total else []
    return {"total": total, "page": page, "pages": max(1, -(-total // size)), "page_size": size}, found


def links(request: HttpRequest, head: dict[str, Any]) -> str:
    """first, prev, next and last as one Link header."""
    page, pages = head["page"], head["pages"]
    wanted = {
        "first": 1,
        "prev": page - 1 if page > 1 else None,
        "next": page + 1 if page < pages else None,
        "last": pages,
    }
    return ", ".join(f'<{_address(request, number)}>; rel="{rel}"' for rel, number in wanted.items() if number)


def _address(request: HttpRequest, page: int) -> str:
    query = [(k, v) for k, values in request.GET.lists() for v in values if k != "page"]
    return request.build_absolute_uri(request.path + "?" + urlencode([*query, ("page", page)]))
