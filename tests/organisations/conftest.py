"""A person with a password, a phone with an authenticator, and a browser."""

import re
from datetime import datetime

import pyotp
import pytest
from django.test import Client

from shaodao.foundation import clock, district
from shaodao.foundation.models import District, LogEntry

PASSWORD = "a-long-enough-pass"


@pytest.fixture
def anna(town, monday):
    person = town.person("duty_leader")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def required(town):
    """The district's rule: whoever holds one of the roles must have a second factor."""

    def rule(value):
        District.objects.update(settings={"second_factor": value})
        district.forget()

    return rule


class Browser(Client):
    """A browser that signs in by the form, as people do."""

    def sign_in(self, person, password=PASSWORD, **more):
        return self.post("/login/", {"username": person.username, "password": password, **more})

    @property
    def who(self):
        return self.session.get("_auth_user_id")

    def offered_key(self, address="/account/factors/add/"):
        """The key on the set-up page, as somebody types it who cannot scan."""
        found = re.search(r'id="totp-key"[^>]*>([A-Z2-7 ]+)<', self.get(address).content.decode())
        return found.group(1).replace(" ", "")


@pytest.fixture
def browser_of():
    return Browser


def code_at(key: str, at: datetime | None = None) -> str:
    return pyotp.TOTP(key).at(at or clock.now())


def set_up(browser) -> tuple[str, list[str]]:
    """Set an authenticator up on the account page; its key and the recovery codes."""
    key = browser.offered_key()
    page = browser.post("/account/factors/add/", {"code": code_at(key)})
    codes = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", page.content.decode())
    return key, codes


def lines(person, action):
    return list(LogEntry.objects.filter(action=action, subject=f"person:{person.pk}").order_by("pk"))
