import pytest
from django.test import Client

from tests.bikes.office import Office


@pytest.fixture
def office(monday, town):
    """The town on an ordinary Monday, ready for operators."""
    return Office(town)


@pytest.fixture
def browse(office):
    """browse("hq"), browse("owner", operator): a signed-in browser."""

    def make(who, operator=None, language="zh-hans"):
        client = Client(headers={"Accept-Language": language})
        client.force_login(office.actor(who, operator).person)
        return client

    return make
