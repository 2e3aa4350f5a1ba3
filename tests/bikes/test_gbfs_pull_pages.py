"""Who fetches the feeds: the district's clock, the command, and people on the operator's page."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.bikes.actions import feeding
from shaodao.bikes.ingest.sources import gbfs
from shaodao.bikes.models import OperatorFeed, VehicleStatus
from shaodao.cases import tasks
from shaodao.cli import main
from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from tests.bikes.pulling import offer, put, states, vehicle

HOME = "/bikes/operators/BIKE-A/feed/"


# ── the clock and the command ────────────────────────────────────────────────────────────────────────────────────


def test_the_clock_fetches_what_is_due_and_one_that_fails_stops_no_other(office, operator, server, monkeypatch):
    offer(server, vehicle("a"))
    others = [office.brought_to("admitted", code, quota=10) for code in ("BIKE-B", "BIKE-C", "BIKE-D")]
    put(office, operator, server)
    put(office, others[0], server, path="/none.json")
    put(office, others[1], server)
    put(office, others[2], server, active=False)
    take = gbfs.take

    def broken(feed, *rest):
        if feed.operator_id == others[1].pk:
            raise RuntimeError("ours")
        return take(feed, *rest)

    monkeypatch.setattr(gbfs, "take", broken)
    counts = tasks.tick(train=False, send=False)
    assert (counts["pulled"], counts["failed"]) == (1, 1) and states(operator) == {"a": "available"}
    assert OperatorFeed.objects.get(operator=others[0]).failures == 1
    assert tasks.tick(train=False, send=False)["pulled"] == 0, "none is due any more"
    with clock.freeze(clock.now() + timedelta(seconds=61)):
        assert tasks.tick(train=False, send=False)["pulled"] == 1
    office.act(operator, "withdraw", reason="退出本区")
    with clock.freeze(clock.now() + timedelta(seconds=200)):
        assert operator.pk not in [feed.operator_id for feed in feeding.due_feeds()]


def test_a_feed_is_claimed_by_one_process(office, operator, server):
    put(office, operator, server)
    assert len(feeding.due_feeds()) == 1 and feeding.due_feeds() == []
    with clock.freeze(clock.now() + feeding.LEASE):
        assert len(feeding.due_feeds()) == 1, "whoever died with it loses it"


def command(*words):
    done = CliRunner().invoke(main, ["bikes", "pull", *words])
    return done.exit_code, done.stdout.strip().splitlines()[
        -1
    ] if done.exit_code < 2 and done.stdout.strip() else done.output


def test_the_command(office, operator, server):
    code, said = command("--operator", "BIKE-A")
    assert code == 2 and "还没有设置" in said
    assert command("--operator", "NOBODY")[0] == 2 and command("--json") == (0, '{"feeds":[]}')
    offer(server, vehicle("a"))
    put(office, operator, server)
    code, said = command("--operator", "BIKE-A", "--json")
    (row,) = json.loads(said)["feeds"]
    assert code == 0 and {k: row[k] for k in ("operator", "ok", "whole", "received", "kept", "fault", "looks")} == {
        "operator": "BIKE-A", "ok": True, "whole": True, "received": 1, "kept": 1, "fault": "", "looks": "",
    }  # fmt: skip
    server.answers["/gbfs.json"] = b"<html>"
    code, said = command("--lang", "en")
    assert code == 1 and said.startswith("BIKE-A: failed") and "not JSON" in said


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_set_fetched_and_seen_on_the_page(office, operator, browse, server):
    own = browse("owner", operator)
    assert HOME in own.get("/bikes/operators/BIKE-A/").content.decode()
    assert "还没有设置数据源" in own.get(HOME).content.decode()
    form = {"url": f"{server.url}/gbfs.json", "datum": "WGS-84", "interval_s": "60", "active": "on"}
    assert own.post(HOME + "set/", form | {"header": "X-Key", "secret": "s3cret"})["Location"] == HOME
    assert "等待第一次读取" in own.get(HOME).content.decode()
    offer(server, vehicle("a"))
    text = own.post(HOME + "pull/", follow=True).content.decode()
    assert "读到 1 辆：收下 1，未收 0" in text and "正常" in text and "s3cret" not in text
    assert "s3cret" not in own.get(HOME + "set/").content.decode()
    server.answers["/gbfs.json"] = b"<html>"
    text = browse("hq", language="en").post(HOME + "pull/", follow=True).content.decode()
    assert "Nothing was read" in text and "data-fault" in text
    OperatorFeed.objects.update(looks="GCJ-02", clock_hours=1)
    text = own.get(HOME).content.decode()
    assert "位置像是 GCJ-02 坐标" in text and "慢了整 1 小时" in text


@pytest.mark.parametrize(("given", "what"), [
    ({"url": "http://a\x00b/"}, ""), ({"interval_s": "x"}, ""), ({"interval_s": "5"}, "30"), ({"url": ""}, ""),
    ({"secret": "x"}, "请求头"), ({"datum": "NAD27"}, ""), ({"url": "http://127.0.0.1/", "private": ""}, ""),
])  # fmt: skip
def test_a_faulty_form_is_answered_beside_the_field(operator, browse, given, what):
    form = {"url": "https://feed.example/gbfs.json", "datum": "WGS-84", "interval_s": "60", "active": "on"}
    answer = browse("owner", operator).post(HOME + "set/", form | given)
    assert answer.status_code == 422 and what in answer.content.decode() and "field-error" in answer.content.decode()
    assert not OperatorFeed.objects.exists()


def test_only_parties_and_only_while_admitted(office, operator, browse, server):
    offer(server, vehicle("a"))
    put(office, operator, server)
    form = {"url": f"{server.url}/x.json", "datum": "WGS-84", "interval_s": "60"}
    other = office.brought_to("admitted", "BIKE-B")
    for client in (browse("owner", other), browse("duty_leader"), browse("street")):
        assert client.get(HOME).status_code == client.get(HOME + "set/").status_code == 403
        assert client.post(HOME + "set/", form).status_code == client.post(HOME + "pull/").status_code == 403
    own = browse("owner", operator)
    assert own.get(HOME + "pull/").status_code == 405
    office.act(operator, "withdraw", reason="退出本区")
    assert own.post(HOME + "set/", form).status_code == 422
    assert "准入之后" in own.post(HOME + "pull/", follow=True).content.decode()
    assert not VehicleStatus.objects.exists() and OperatorFeed.objects.get().url.endswith("/gbfs.json")
    operator.refresh_from_db()
    with pytest.raises(Refused):
        feeding.pull_feed(operator, office.actor("hq"))


def test_the_page_asks_always_as_many_queries(office, operator, browse, server):
    own, counts = browse("owner", operator), []
    own.get(HOME)
    for _again in range(2):
        with CaptureQueriesContext(connection) as asked:
            own.get(HOME)
        counts.append(len(asked))
        put(office, operator, server)
    assert counts[0] == counts[1] <= 14, counts
