"""Several people act at once: one is done, the others are told; nothing is lost, nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connections

from shaodao.cases import history
from shaodao.cases.models import Case, Report
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Refused
from tests.town import Town

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)
CROWD = 4


def at_once(work):
    """Run `work(i)` in CROWD threads that start together; answers results or exceptions."""
    barrier = Barrier(CROWD)

    def one(i: int):
        try:
            with clock.freeze(AT):
                barrier.wait(10)
                return work(i)
        except (Conflict, Refused) as expected:
            return expected
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


@pytest.fixture
def town():
    with clock.freeze(AT):
        yield Town()


def test_of_several_who_saw_the_same_version_one_wins(town):
    case = town.report()
    town.person("duty_leader"), town.person("intake")
    results = at_once(lambda i: town.act("file", case, "duty_leader", version=case.version))
    assert sum(not isinstance(r, Exception) for r in results) == 1
    assert sum(isinstance(r, Conflict) for r in results) == CROWD - 1
    assert case.events.filter(action="file").count() == 1


def test_the_same_key_from_several_senders_acts_once(town):
    case = town.report()
    town.person("duty_leader")
    results = at_once(lambda i: town.act("file", case, "duty_leader", key="same"))
    assert [r for r in results if isinstance(r, Exception)] == []
    assert sum(not r.replayed for r in results) == 1


def test_a_report_sent_by_several_at_once_is_one(town):
    results = at_once(lambda i: town.report(key="phone"))
    assert len({case.pk for case in results}) == 1
    assert Report.objects.count() == 1


def test_notes_of_several_all_arrive(town):
    case = town.filed()
    town.person("intake")
    at_once(lambda i: town.act("note", case, "intake", text=f"第 {i} 条"))
    assert case.notes.count() == CROWD
    assert history.verify()["broken"] == []


def test_cases_merged_crosswise_do_not_deadlock(town):
    first, second = town.report(), town.report(lat=40.0015)
    town.person("intake")
    at_once(lambda i: town.act("merge", (first, second)[i % 2], "intake", target=(second, first)[i % 2].number))
    states = sorted(Case.objects.values_list("state", flat=True))
    assert states == ["merged", "received"]
    assert history.verify()["broken"] == []
