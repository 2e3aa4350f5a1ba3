"""Counts the queries of each answer into a header, for benchmarks only (SHAODAO_MEASURE=1)."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse

HEADER = "X-Queries"


class CountQueries:
    """Outermost middleware: every statement from the first middleware to the last is in the count."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        count = 0

        def wrapper(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
            nonlocal count
            count += 1
            return execute(sql, params, many, context)

        with connection.execute_wrapper(wrapper):
            response = self.get_response(request)
        response[HEADER] = str(count)
        return response
