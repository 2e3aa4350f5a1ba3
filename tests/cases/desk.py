"""A signed-in person at the staff's pages: opens cases, does actions as their forms do."""

import re
import uuid
from typing import Any

from django.test import Client

from shaodao.cases.models import Case
from tests.town import Town


class Desk:
    """One browser of one person in one post."""

    def __init__(self, town: Town, role: str, organisation: Any = None) -> None:
        self.client = Client()
        self.person = town.person(role, organisation)
        self.client.force_login(self.person)

    def open(self, path: str, status: int = 200, **query: Any) -> str:
        response = self.client.get(path, query)
        assert response.status_code == status, (path, response.status_code)
        return response.content.decode()

    def case(self, case: Case, status: int = 200) -> str:
        return self.open(f"/work/cases/{case.number}/", status)

    def rows(self, inbox: str, **query: Any) -> list[str]:
        """The numbers in a list, in the order of the page."""
        page = self.open(f"/work/{inbox}/", **query)
        return re.findall(r'data-href="/work/cases/([^/]+)/"', page)

    def send(self, action: str, case: Case, on: int | None = None, **given: Any) -> Any:
        """POST an action's form, opened first, with the version and the key that stand in it."""
        path = f"/work/cases/{case.number}/do/{action}/" + (f"{on}/" if on else "")
        page = self.open(path, **({"target": given["target"]} if action == "merge" else {}))  # merging looks first
        hidden = dict(re.findall(r'<input type="hidden" name="(version|key|previewed)" value="([^"]*)"', page))
        assert {"version", "key"} <= set(hidden)
        return self.client.post(path, hidden | given)

    def do(self, action: str, case: Case, on: int | None = None, **given: Any) -> Case:
        """The same, and it must succeed."""
        response = self.send(action, case, on, **given)
        assert response.status_code == 302, errors(response)
        case.refresh_from_db()
        return case

    def post(self, path: str, **given: Any) -> Any:
        return self.client.post(path, given)


def errors(response: Any) -> str:
    """What a form that came back says is wrong."""
    text = response.content.decode()
    return " | ".join(re.findall(r"<p class=\"field-error\".*?<span>(.*?)</span>", text, re.S)) or text[:500]


def key() -> str:
    return uuid.uuid4().hex
