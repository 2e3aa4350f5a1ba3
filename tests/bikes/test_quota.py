"""The ceiling: no order of actions and no crowd of deciders gets the quotas above it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from shaodao.bikes import queries
from shaodao.bikes.admission import BY_ACTION
from shaodao.bikes.models import Operator
from shaodao.bikes.words import IN_FORCE
from shaodao.cases import history
from shaodao.foundation import clock, district
from shaodao.foundation.errors import Invalid, Refused
from tests.bikes.office import APPLICATION, Office
from tests.town import Town

AT = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)
CEILING, CROWD = 100, 4
STEPS = st.tuples(
    st.sampled_from(["admit", "change_quota", "suspend", "resume", "withdraw", "refuse", "apply", "expire"]),
    st.integers(0, 2),
    st.integers(0, 130),
)


class AnyOrder(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, min_size=4, max_size=14))
    def test_no_order_of_actions_exceeds_the_ceiling(self, steps):
        with clock.freeze(AT):
            district.forget()
            office = Office(Town(), ceiling=CEILING)
            operators = [office.brought_to("submitted", f"BIKE-{n}") for n in range(3)]
            done = 0
            for number, (action, which, quota) in enumerate(steps):
                with clock.freeze(AT + timedelta(days=number)):
                    done += self.step(office, operators[which], action, quota)
                held = sum(o.quota for o in Operator.objects.all())
                assert held <= CEILING and held == queries.taken()
                assert all(bool(o.quota) == (o.state in IN_FORCE) for o in Operator.objects.all())
            assert history.verify()["broken"] == [] and done <= len(steps)

    @staticmethod
    def step(office, operator, action, quota) -> bool:
        if action == "admit":
            office.accept_all(operator) if operator_is(operator, "submitted") else None
        given, today = {}, clock.local(clock.now()).date()
        if action == "admit":
            given = {"quota": quota, "term_from": today, "term_until": today + timedelta(days=2)}
        elif action == "change_quota":
            given = {"quota": quota}
        elif action == "apply":
            given = dict(APPLICATION)
        if BY_ACTION[action].reason:
            given["reason"] = "理由"
        try:
            office.act(operator, action, {"apply": "owner", "expire": "system"}.get(action, "hq"), **given)
        except (Invalid, Refused):
            return False
        return True


def operator_is(operator, state) -> bool:
    return Operator.objects.filter(pk=operator.pk, state=state).exists()


def at_once(work):
    """Run `work(i)` in threads that start together; answers results or exceptions."""
    barrier = Barrier(CROWD)

    def one(i: int):
        try:
            with clock.freeze(AT):
                barrier.wait(10)
                return work(i)
        except (Invalid, Refused) as expected:
            return expected
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


@pytest.mark.django_db(transaction=True)
def test_several_who_admit_at_once_stay_under_the_ceiling():
    with clock.freeze(AT):
        office = Office(Town(), ceiling=CEILING)
        operators = [office.brought_to("submitted", f"BIKE-{n}") for n in range(CROWD)]
        for operator in operators:
            office.accept_all(operator)
        results = at_once(lambda i: office.admit(operators[i], 40))
    assert sum(isinstance(r, Invalid) for r in results) == 2
    assert Operator.objects.filter(state="admitted").count() == 2 and queries.taken() == 80
    assert history.verify()["broken"] == []


@pytest.mark.django_db(transaction=True)
def test_several_who_raise_quotas_at_once_stay_under_the_ceiling():
    with clock.freeze(AT):
        office = Office(Town(), ceiling=CEILING)
        operators = [office.brought_to("admitted", f"BIKE-{n}", quota=20) for n in range(CROWD)]
        results = at_once(lambda i: office.act(operators[i], "change_quota", quota=35, reason="需要"))
    assert sum(isinstance(r, Invalid) for r in results) == CROWD - 1
    assert queries.taken() == 95


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_on_one_operator_the_second_finds_the_first():
    with clock.freeze(AT):
        office = Office(Town())
        operator = office.brought_to("submitted")
        office.accept_all(operator)
        results = at_once(lambda i: office.admit(operator, 10 + i))
    assert sum(isinstance(r, Refused) for r in results) == CROWD - 1
    assert operator.events.filter(action="admit").count() == 1


@pytest.mark.django_db
def test_a_ceiling_that_was_lowered_only_lets_quotas_shrink(office):
    first, second = office.brought_to("admitted", quota=6000), office.brought_to("admitted", "BIKE-B", quota=4000)
    office.settle(fleet_ceiling=8000)
    with pytest.raises(Invalid):
        office.act(second, "change_quota", quota=4001, reason="多")
    office.act(first, "change_quota", quota=5000, reason="少")
    assert queries.taken() == 9000
    sums = queries.overview(Operator.objects.all())
    assert sums == {"ceiling": 8000, "given": 9000, "open": 0, "over": 1000}


@pytest.mark.django_db
def test_without_a_ceiling_nobody_is_admitted(office):
    office.settle(fleet_ceiling=0)
    operator = office.brought_to("submitted")
    office.accept_all(operator)
    with pytest.raises(Refused):
        office.admit(operator, 1)
