"""Callers of the API: by token, by session, and without an account."""

import json
from typing import Any

import pytest
from django.test import Client

from shaodao.foundation import clock
from shaodao.organisations import tokens

BASE = "/api/v1"


class Caller:
    """A client that speaks JSON; `get`/`post` answer Django's response with `.data` read already."""

    def __init__(self, token: str = "", client: Client | None = None, **headers: str) -> None:
        self.client = client or Client()
        self.headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}

    def send(self, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None) -> Any:
        body = {} if data is None else {"data": json.dumps(data), "content_type": "application/json"}
        response = getattr(self.client, method)(BASE + path, headers={**self.headers, **(headers or {})}, **body)
        response.data = json.loads(response.content) if response.content else None
        return response

    def get(self, path: str, **headers: str) -> Any:
        return self.send("get", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, data: Any = None, **headers: str) -> Any:
        given = {} if data is None else data
        return self.send("post", path, given, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def act(self, case: Any, action: str, **body: Any) -> Any:
        """An action with the case's present version."""
        case.refresh_from_db()
        return self.post(f"/cases/{case.number}/actions/{action}", body, If_Match=f'"{case.version}"')


@pytest.fixture
def caller(town):
    """`caller("dispatcher")`: by token, in that post."""

    def make(role: str, organisation: Any = None, scopes: tuple[str, ...] = tokens.SCOPES) -> Caller:
        person = town.person(role, organisation)
        return Caller(tokens.issue(person, "test", scopes, clock.now())[1])

    return make


@pytest.fixture
def anyone(town):
    return Caller()
