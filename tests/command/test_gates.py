"""The headquarters' pages in a district where nothing happened yet: they open, and let in whom they should."""

import pytest
from django.urls import reverse

from shaodao.foundation import log
from tests.command.test_pages import OFFICE_ONLY, PAGES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", PAGES + OFFICE_ONLY)
def test_every_page_opens_in_an_empty_district(town, visitor, name):
    assert visitor("headquarters").get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", [*PAGES, *OFFICE_ONLY, "command_log"])
def test_a_guest_is_asked_to_sign_in(town, visitor, name):
    answer = visitor().get(reverse(name))
    assert answer.status_code == 302 and answer["Location"].startswith(reverse("login"))


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("headquarters", True), ("duty_leader", True), ("dispatcher", True), ("intake", True), ("admin", True),
        ("street", True), ("street_leader", True), ("community", True), ("department", True),
        ("inspector", False), ("hotline", False),
    ],
)  # fmt: skip
def test_who_may_see_the_day(town, visitor, role, allowed):
    assert visitor(role).get(reverse("command")).status_code == (200 if allowed else 403)


@pytest.mark.parametrize("name", OFFICE_ONLY)
def test_the_office_s_books_are_not_for_streets_and_departments(town, visitor, name):
    assert visitor("street").get(reverse(name)).status_code == 403
    assert visitor("department").get(reverse(name)).status_code == 403


def test_the_log_is_the_administrator_s(town, visitor):
    log.write("contact.read", "report:7", actor=town.person("intake"), reason="回电核实")
    assert visitor("headquarters").get(reverse("command_log")).status_code == 403
    page = visitor("admin").get(reverse("command_log"), {"action": "contact.read"}).content.decode()
    assert "回电核实" in page and "report:7" in page


def test_the_settings_are_those_of_the_district(town, visitor):
    page = visitor("street").get(reverse("command_settings")).content.decode()
    assert "2010–2026" in page and "催办" in page and "端午节" in page
