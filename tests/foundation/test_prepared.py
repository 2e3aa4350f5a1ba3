"""Statements compiled once answer what the ORM answers, write what it writes, and refuse what they cannot keep right."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import connections
from django.db.models import Count, Exists, OuterRef
from django.forms.models import model_to_dict

from shaodao.cases.models import Assignment, Case, CaseEvent, Clock
from shaodao.cases.queries import whole
from shaodao.foundation import prepared
from shaodao.foundation.models import OutboxMessage, Webhook
from shaodao.foundation.prepared import Prepared
from shaodao.organisations.models import Organisation

pytestmark = pytest.mark.django_db
AT = datetime(2021, 5, 24, 1, 0, 0, 123456, tzinfo=UTC)


def fields_of(row):
    return {f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields}


@pytest.fixture
def cases(town, monday):
    return [town.handling(supports=(town.urban,)), town.report(lon=113.2045), town.report(category=None)]


def test_the_same_rows_as_the_orm_with_what_is_joined_and_annotated(cases, django_assert_num_queries):
    def build(case):
        late = Clock.objects.filter(assignment=OuterRef("pk"), stopped_at__isnull=True)
        rows = Assignment.objects.filter(case=case).select_related("organisation__place", "whistle")
        return rows.annotate(running=Exists(late), clocks_n=Count("clocks")).order_by("-pk")

    query = Prepared(build)
    for case in [*cases, cases[0]]:
        wanted = list(build(case.pk))
        with django_assert_num_queries(1):
            found = query.all(case.pk)
        with django_assert_num_queries(0):
            assert [fields_of(a) for a in found] == [fields_of(a) for a in wanted]
            assert [a.organisation.name for a in found] == [a.organisation.name for a in wanted]
            assert [(a.running, a.clocks_n, a.whistle) for a in found] == [
                (a.running, a.clocks_n, None) for a in wanted
            ]
    assert len(query.all(cases[0].pk)) == 2 and query.all(cases[1].pk) == []


def test_strings_several_values_and_none_found(cases):
    query = Prepared(lambda kind, code: Organisation.objects.filter(kind=kind, code=code))
    assert query.first("department", "SANI").name == "环卫中心"
    assert query.first("department", "O'; drop table") is None
    assert query.first("street", "SANI") is None
    assert query.first("department", "%s") is None


def test_values_that_the_query_does_not_use_as_they_are_given_are_refused():
    with pytest.raises(TypeError, match=r"\[1\]"):
        Prepared(lambda a, b: Case.objects.filter(pk=a)).all(1, 2)
    with pytest.raises(TypeError, match=r"\[0\]"):
        Prepared(lambda text: Case.objects.filter(summary__contains=text)).all("x")


def test_insert_writes_what_save_writes(cases):
    """Times to the microsecond, JSON, nulls, booleans and text outside of the first plane come back as they went."""
    event = CaseEvent.objects.filter(case=cases[0]).order_by("-seq").first()
    values = model_to_dict(event, exclude=["id", "case", "actor"]) | {
        "case_id": event.case_id,
        "actor_id": event.actor_id,
    }
    values |= {
        "seq": 98,
        "at": AT,
        "data": {"文字": ["🚲", None, 1.5, True]},
        "reason": "“引号” 'x' \\ %s",
        "client_key": None,
    }
    mine, theirs = CaseEvent(**values), CaseEvent(**values | {"seq": 99})
    prepared.insert(mine)
    theirs.save(force_insert=True)
    assert mine.pk and not mine._state.adding
    read = [fields_of(CaseEvent.objects.get(pk=row.pk)) for row in (mine, theirs)]
    assert {k: v for k, v in read[0].items() if k not in ("id", "seq")} == {
        k: v for k, v in read[1].items() if k not in ("id", "seq")
    }
    assert read[0]["data"] == {"文字": ["🚲", None, 1.5, True]} and read[0]["at"] == AT


def test_insert_fills_what_a_field_sets_by_itself(django_assert_num_queries):
    with django_assert_num_queries(1):
        row = OutboxMessage(topic="t", created_at=AT)
        prepared.insert(row)
    assert OutboxMessage.objects.get(pk=row.pk).payload == {}


def test_update_writes_the_named_attributes_and_nothing_else(cases, django_assert_num_queries):
    case = Case.objects.get(pk=cases[1].pk)
    case.street_id, case.closed_at, case.summary, case.urgent = None, AT, "改了", True
    with django_assert_num_queries(1):
        prepared.update(case, ["street_id", "closed_at", "summary"])
    read = Case.objects.get(pk=case.pk)
    assert (read.street_id, read.closed_at, read.summary, read.urgent) == (None, AT, "改了", False)
    case.pk = 10**9
    with pytest.raises(Case.DoesNotExist):
        prepared.update(case, ["summary"])


def test_models_with_a_history_are_saved_and_not_written_past_it(town):
    for write in (lambda: prepared.insert(Organisation(code="N")), lambda: prepared.update(town.urban, ["name"])):
        with pytest.raises(TypeError, match="history"):
            write()


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_statements_of_its_own_connection(town, monday):
    query = Prepared(lambda active: Webhook.objects.filter(name=active))
    Webhook.objects.create(name="a", url="https://example.org/", secret="s", topics=["case."], created_at=AT)

    def look(_i):
        try:
            found = [query.first("a") for _ in range(20)]
            return {(row.name, row.created_at, tuple(row.topics)) for row in found}
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert all(seen == {("a", AT, ("case.",))} for seen in pool.map(look, range(4)))


def test_one_case_with_its_names_costs_one_query(cases, django_assert_num_queries):
    with django_assert_num_queries(1):
        case = whole(cases[0].pk)
        assert (case.category.key, case.street.name, case.lead.code) == ("event-0110", "永泰街道", "SANI")
        assert case.merged_into is None
    assert whole(10**9) is None
