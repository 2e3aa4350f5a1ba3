"""Who may call: sessions with CSRF, tokens with scopes, and nobody else."""

from datetime import timedelta

import pytest
from django.test import Client

from shaodao.foundation import clock
from shaodao.organisations import tokens
from shaodao.organisations.models import ApiToken
from tests.api.conftest import Caller
from tests.town import later

pytestmark = pytest.mark.usefixtures("monday")


def test_without_anything_is_401_in_the_problem_form(anyone):
    answer = anyone.get("/cases")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.data["status"] == 401 and answer.data["title"] == "Unauthorized" and answer.data["detail"]


def test_a_wrong_token_is_refused_even_where_none_is_needed(anyone):
    assert anyone.get("/lifecycle").status_code == 200
    assert Caller("sd_wrong").get("/lifecycle").status_code == 401


def test_only_the_digest_is_kept_and_use_is_noted_coarsely(town, caller):
    by_token = caller("intake")
    row = ApiToken.objects.get()
    plain = by_token.headers["Authorization"].removeprefix("Bearer ")
    assert row.digest == tokens.digest_of(plain) and plain not in str(vars(row))
    assert by_token.get("/cases").status_code == 200
    row.refresh_from_db()
    assert row.last_used_at == clock.now()
    with later(minutes=5):
        by_token.get("/cases")
    row.refresh_from_db()
    assert row.last_used_at == clock.now()  # not written again within ten minutes
    with later(minutes=11):
        by_token.get("/cases")
        row.refresh_from_db()
        assert row.last_used_at == clock.now()


def test_expired_revoked_and_inactive(town):
    person = town.person("intake")
    row, plain = tokens.issue(person, "x", ["read"], clock.now(), expires_at=clock.now() + timedelta(hours=1))
    by_token = Caller(plain)
    assert by_token.get("/cases").status_code == 200
    with later(hours=2):
        assert by_token.get("/cases").status_code == 401
    person.is_active = False
    person.save()
    assert by_token.get("/cases").status_code == 401
    person.is_active = True
    person.save()
    tokens.revoke(row, person, clock.now())
    assert by_token.get("/cases").status_code == 401


def test_scopes(town, caller):
    case = town.report()
    reader, reporter = caller("duty_leader", scopes=("read",)), caller("duty_leader", scopes=("report",))
    refused = reader.act(case, "file")
    assert refused.status_code == 403 and refused.data["type"] == "forbidden"
    assert reporter.get("/cases").status_code == 403
    assert reporter.post("/reports", {"text": "x", "lon": 113.2005, "lat": 40.0005}).status_code == 201
    assert caller("duty_leader").act(case, "file").status_code == 200


def test_a_session_needs_the_csrf_token_for_writing_only(town):
    client = Client(enforce_csrf_checks=True)
    client.force_login(town.person("duty_leader"), backend="django.contrib.auth.backends.ModelBackend")
    case, by_session = town.report(), Caller(client=client)
    assert by_session.get("/cases").status_code == 200
    refused = by_session.act(case, "file")
    assert refused.status_code == 403 and "CSRF" in refused.data["detail"]
    secret = "a" * 32
    client.cookies["csrftoken"] = secret
    by_session.headers["X-CSRFToken"] = secret
    assert by_session.act(case, "file").status_code == 200


def test_tokens_are_issued_from_a_session_only(town, caller):
    client = Client()
    client.force_login(town.person("street"), backend="django.contrib.auth.backends.ModelBackend")
    by_session = Caller(client=client)
    made = by_session.post("/tokens", {"name": "phone", "scopes": ["read"]})
    assert made.status_code == 201 and made["Cache-Control"] == "no-store"
    assert Caller(made.data["token"]).get("/me").data["scopes"] == ["read"]
    assert caller("street").post("/tokens", {"name": "y", "scopes": ["act"]}).status_code == 401
    listed = by_session.get("/tokens").data
    assert "token" not in listed[0] and len(listed) == 2
    assert by_session.send("delete", f"/tokens/{made.data['id']}").status_code == 204
    assert Caller(made.data["token"]).get("/me").status_code == 401
    bad = by_session.post("/tokens", {"name": "", "scopes": ["everything"]})
    assert bad.status_code == 422 and set(bad.data["errors"]) >= {"name"}


def test_nobody_revokes_the_token_of_another(town, caller):
    caller("intake")
    client = Client()
    client.force_login(town.person("street"), backend="django.contrib.auth.backends.ModelBackend")
    assert Caller(client=client).send("delete", f"/tokens/{ApiToken.objects.get().pk}").status_code == 404
