"""A town with something in every state, and people who look at it."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from shaodao.foundation import clock
from tests.town import Town


@pytest.fixture
def visitor(request):
    """`visitor("headquarters")`: a signed-in browser of somebody in that post; none: a guest. Of the busy town or the plain."""
    town = request.getfixturevalue("busy" if "busy" in request.fixturenames else "town")

    def make(role: str = "", organisation: Any = None) -> Client:
        client = Client()
        if role:
            client.force_login(town.person(role, organisation))
        return client

    return make


MONDAY = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)
THURSDAY = MONDAY + timedelta(days=3, minutes=30)


@pytest.fixture(scope="module")
def week(shared):
    """Cases in every state that the page counts, made once per module: its tests ask for `busy`, none for a plain town."""
    with clock.freeze(MONDAY):
        town = Town()
        Busy(town)
    with clock.freeze(THURSDAY):
        recent(town)
    return town


@pytest.fixture
def busy(week, shared, db, settings):
    """The week as it was made; the clock stands three days after its Monday, Thursday 09:30."""
    settings.MEDIA_ROOT = shared / "media"
    with clock.freeze(THURSDAY):
        yield copy.deepcopy(week)


class Busy:
    """What happened from Monday on."""

    def __init__(self, town: Any) -> None:
        self.town = town
        self.suspended()
        self.rated_low()
        self.came_back()
        self.closed_late()
        town.handling()  # by Thursday overdue

    def suspended(self) -> None:
        case = self.town.handling()
        on = case.assignments.get()
        self.town.act("sign", case, "department", on=on.pk)
        until = (clock.now() + timedelta(days=40)).isoformat()
        self.town.act("request_suspension", case, "department", on=on.pk, reason="等材料", until=until)
        self.town.act("grant", case, "dispatcher", on=case.time_requests.get().pk)

    def rated_low(self) -> None:
        case = self.town.closed(lon=113.2035)
        on = case.assignments.get()
        self.town.act("evaluate", case, "street", on=on.pk, efficiency=2, effect=4, comment="来得太晚")

    def came_back(self) -> None:
        case = self.town.closed(lon=113.2015)
        self.town.act("rebound", case, "headquarters", reason="又堆上了")

    def closed_late(self) -> None:
        start = clock.now()
        case = self.town.handling(lon=113.2025, lead=self.town.urban)
        on = case.assignments.get()
        self.town.act("sign", case, "department", self.town.urban, on=on.pk)
        with clock.freeze(start + timedelta(days=2)):
            self.town.act("finish", case, "department", self.town.urban, on=on.pk, result="已清")
            self.town.act("verify", case, "inspector", passed=True)
            self.town.act("close", case, "duty_leader")
            self.town.act("appeal", case, "department", self.town.urban, on=on.pk, grounds=["handle"], reason="停电")
            self.town.act("review_appeal", case, "headquarters", on=on.appeal.pk, upheld=True, reason="属实")


NORTH = 40.0015  # a block away from what Monday's cases watch


def recent(town: Any) -> None:
    """What happened on Thursday morning."""
    town.report(lat=NORTH)
    town.report(lon=113.2045, lat=NORTH)
    town.filed(lon=113.2028, lat=NORTH)
    whistled = town.report(lon=113.2008, lat=NORTH)
    town.act("whistle_draft", whistled, "street", kind="emergency", lead="URBAN", supports=["WATER"], reason="多部门")
    town.act("whistle_confirm", whistled, "street_leader", on=whistled.whistles.get().pk)
    disputed = town.handling(lon=113.2018, lat=NORTH)
    on = disputed.assignments.get()
    town.act("dispute", disputed, "department", on=on.pk, reason="不属于环卫职责")
    asked = town.handling(lon=113.2032, lat=NORTH, lead=town.water)
    on = asked.assignments.get()
    town.act("sign", asked, "department", town.water, on=on.pk)
    town.act("request_extension", asked, "department", town.water, on=on.pk, reason="缺配件")
