"""Every number on the headquarters' pages is the length of the list that it leads to."""

import re
from html.parser import HTMLParser

import pytest
from django.urls import reverse

from shaodao.cases.models import Case
from shaodao.command.rules import Share, band

pytestmark = pytest.mark.django_db
TOTAL = re.compile(r"共\s*(\d+)\s*项")


class Numbers(HTMLParser):
    """(key, number, address) of everything marked data-number, and the rows that the pager counts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, int, str]] = []
        self.open: tuple[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "data-number" in given:
            self.open = (given["data-number"], given["href"])

    def handle_data(self, data):
        if self.open and data.strip().isdigit():
            self.found.append((self.open[0], int(data), self.open[1]))
            self.open = None


def length(client, url: str, page: str = "") -> int:
    """How many rows the list at `url` has."""
    html = client.get((page or "") + url if url.startswith("?") else url).content.decode()
    found = TOTAL.search(html)
    return int(found.group(1)) if found else 0


@pytest.mark.parametrize("role", ["headquarters", "street", "department"])
def test_each_number_of_the_day_is_the_length_of_its_list(busy, visitor, role):
    client = visitor(role)
    html = client.get(reverse("command")).content.decode()
    numbers = Numbers(html).found
    keys = {key for key, _n, _url in numbers}
    assert {"open", "red", "received", "whistles", "rebounds", "streets:open", "departments:open"} <= keys
    wrong = [(k, n, length(client, url), url) for k, n, url in numbers if length(client, url) != n]
    assert wrong == []


def test_the_numbers_are_what_happened(busy, visitor):
    html = visitor("headquarters").get(reverse("command")).content.decode()
    numbers = {key: n for key, n, _url in Numbers(html).found}
    assert numbers["open"] == Case.objects.exclude(state__in=["closed", "declined", "voided", "merged"]).count()
    assert numbers["green"] + numbers["yellow"] + numbers["red"] + numbers["paused"] == numbers["open"]
    expected = {
        "paused": 1,
        "received": 6,
        "whistles": 1,
        "rebounds": 1,
        "disputes": 1,
        "requests": 1,
        "evaluations": 1,
        "appeals": 1,
    }
    assert {key: numbers[key] for key in expected} == expected
    assert numbers["red"] >= 2  # Monday's case that nobody took, and the one that came back


def test_the_days_of_the_trend_lead_to_their_cases(busy, visitor):
    client = visitor("headquarters")
    for day in client.get(reverse("command")).context["days"]:
        if day.received.value or day.closed.value:
            assert length(client, day.received.url) == day.received.value
            assert length(client, day.closed.url) == day.closed.value


def test_whistle_rates_and_ratings_lead_to_their_lists(busy, visitor):
    client = visitor("headquarters")
    rates = client.get(reverse("command_whistles")).context["rates"]
    assert rates
    for rate in rates:
        assert length(client, rate.whistles_url) == rate.share.part
        assert length(client, rate.cases_url) == rate.share.n
    for rated in client.get(reverse("command_evaluations")).context["ratings"]:
        assert (length(client, rated.url), length(client, rated.low_url)) == (rated.n, rated.low.part)
    for row in client.get(reverse("command_rebounds")).context["shares"]:
        assert length(client, row.url) == row.share.part
    watch = client.get(reverse("command_watch"))
    for key, _label, n in watch.context["counts"]:
        assert length(client, f"{reverse('command_watch')}?show={key}") == n


def test_a_share_knows_how_little_it_says():
    low, high = Share(1, 2).interval
    assert (round(low, 4), round(high, 4)) == (0.0945, 0.9055)  # Wilson, by hand
    assert Share(0, 0).interval is None and Share(0, 0).percent is None
    low, high = Share(0, 10).interval
    assert low == 0 and 0.27 < high < 0.28


@pytest.mark.parametrize(
    ("part", "n", "expected"),
    [(0, 0, "none"), (0, 5, "few"), (0, 400, "low"), (10, 100, "within"), (60, 100, "high"), (2, 4, "few")],
)
def test_a_whistle_rate_is_judged_from_both_sides_and_not_on_few_cases(part, n, expected):
    assert band(Share(part, n), (0.02, 0.2)) == expected
