"""我的账号: password, factors, sessions and tokens, and that each change asks who it is and leaves a line."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from shaodao.organisations import tokens
from shaodao.organisations.models import ApiToken
from tests.organisations.conftest import PASSWORD, code_at, lines, set_up
from tests.town import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def at_home(anna, browser_of):
    browser = browser_of()
    browser.sign_in(anna)
    return browser


def test_the_menu_of_every_page_leads_there(at_home):
    for address in ("/", "/work/", "/account/", "/command/"):
        page = at_home.get(address)
        assert page.status_code == 200 and 'href="/account/"' in page.content.decode(), address


def test_the_page_asks_a_constant_number_of_queries(anna, at_home):
    at_home.get("/account/")
    with CaptureQueriesContext(connection) as few:
        assert at_home.get("/account/").status_code == 200
    for n in range(8):
        tokens.issue(anna, f"t{n}", ["read"], clock.now())
        LogEntry.objects.create(at=clock.now(), action="session.login", subject=f"person:{anna.pk}", data={})
    with CaptureQueriesContext(connection) as many:
        assert "t7" in at_home.get("/account/").content.decode()
    assert len(many) == len(few)


CHANGES = ["recovery-codes/", "sessions/end/", "tokens/issue/", "factors/add/", "factors/1/remove/", "tokens/1/revoke/"]


@pytest.mark.parametrize("where", CHANGES)
def test_a_change_asks_for_the_password_again(anna, at_home, where):
    with later(minutes=11):
        before = LogEntry.objects.count()
        answer = at_home.post(f"/account/{where}", {"code": "000000", "name": "x", "scopes": "read"})
        assert answer.status_code == 302 and answer["Location"].startswith("/account/confirm/")
        assert LogEntry.objects.count() == before
        wrong = at_home.post("/account/confirm/", {"password": "not-the-password", "next": "/account/"})
        assert wrong.status_code == 422
        assert at_home.get("/account/tokens/issue/").status_code == 302
        right = at_home.post("/account/confirm/", {"password": PASSWORD, "next": "/account/tokens/issue/"})
        assert right["Location"] == "/account/tokens/issue/"
        assert at_home.get("/account/tokens/issue/").status_code == 200
    with later(minutes=22):
        assert at_home.get("/account/tokens/issue/").status_code == 302


@pytest.mark.parametrize("where", ["", "confirm/", "password/", *CHANGES])
def test_strangers_see_nothing(anna, browser_of, where):
    for answer in (browser_of().get(f"/account/{where}"), browser_of().post(f"/account/{where}")):
        assert answer.status_code in {302, 405}
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/")


def test_the_confirmation_is_locked_after_wrong_passwords(at_home, settings):
    for _n in range(settings.AXES_FAILURE_LIMIT):
        last = at_home.post("/account/confirm/", {"password": "wrong-wrong-wrong"})
    assert last.status_code == 429
    assert at_home.post("/account/confirm/", {"password": PASSWORD}).status_code == 429


def test_the_confirmation_leads_nowhere_else(at_home):
    answer = at_home.post("/account/confirm/", {"password": PASSWORD, "next": "//evil.example/"})
    assert answer["Location"] == "/account/"


def test_the_password_change_is_logged_and_ends_other_sessions(anna, at_home, browser_of):
    other = browser_of()
    other.sign_in(anna)
    new = "a-quite-different-one"
    wrong = at_home.post("/account/password/", {"old_password": "nope", "new_password1": new, "new_password2": new})
    assert wrong.status_code == 200 and not lines(anna, "person.password")
    done = at_home.post("/account/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert done["Location"] == "/account/" and len(lines(anna, "person.password")) == 1
    assert at_home.get("/account/").status_code == 200 and other.get("/account/").status_code == 302


def test_wrong_old_passwords_are_locked_too(at_home, settings):
    form = {"new_password1": "a-quite-different-one", "new_password2": "a-quite-different-one"}
    for n in range(settings.AXES_FAILURE_LIMIT):
        last = at_home.post("/account/password/", {"old_password": f"guess-{n}", **form})
    assert last.status_code == 429
    assert at_home.post("/account/password/", {"old_password": PASSWORD, **form}).status_code == 429


def test_a_new_phone_replaces_the_old_one(anna, at_home):
    old, codes = set_up(at_home)
    assert "随即失效" in at_home.get("/account/factors/add/").content.decode()
    new = at_home.offered_key()
    assert new != old
    answer = at_home.post("/account/factors/add/", {"code": code_at(new)})
    assert answer["Location"] == "/account/"  # recovery codes are there already
    assert anna.factors.count() == 1 and anna.recovery_codes.filter(used_at=None).count() == len(codes)


def test_recovery_codes_are_shown_once_and_replaced(anna, at_home):
    _key, codes = set_up(at_home)
    page = at_home.get("/account/").content.decode()
    assert "还剩 10 个" in page and not any(code in page for code in codes)
    fresh = at_home.post("/account/recovery-codes/")
    assert "no-store" in fresh["Cache-Control"]
    shown = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", fresh.content.decode())
    assert len(shown) == 10 and not set(shown) & set(codes)
    assert anna.recovery_codes.count() == 10 and len(lines(anna, "factor.recovery_codes")) == 2


def test_recovery_codes_need_a_factor(anna, at_home):
    assert at_home.post("/account/recovery-codes/")["Location"] == "/account/" and not anna.recovery_codes.exists()


def test_taking_the_factor_away(anna, town, at_home):
    set_up(at_home)
    factor = anna.factors.get()
    assert at_home.post(f"/account/factors/{factor.pk}/remove/")["Location"] == "/account/"
    assert not anna.factors.exists() and not anna.recovery_codes.exists()
    assert [line.data for line in lines(anna, "factor.remove")] == [{"kind": "totp"}]
    other = town.person("admin").factors.create(kind="totp", secret="x", created_at=clock.now())
    assert at_home.post(f"/account/factors/{other.pk}/remove/").status_code == 404


def test_a_required_factor_stays(anna, at_home, required):
    set_up(at_home)
    required({"required_for": ["duty_leader"]})
    page = at_home.post(f"/account/factors/{anna.factors.get().pk}/remove/", follow=True)
    assert "请先添加新的" in page.content.decode() and anna.factors.exists()


def test_signing_out_everywhere_else(anna, at_home, browser_of):
    other = browser_of()
    other.sign_in(anna)
    before = at_home.session.session_key
    assert at_home.post("/account/sessions/end/")["Location"] == "/account/"
    assert at_home.get("/account/").status_code == 200 and at_home.session.session_key != before
    assert other.get("/account/").status_code == 302 and other.get("/api/v1/me").status_code == 401
    assert len(lines(anna, "session.end_all")) == 1
    again = browser_of()
    again.sign_in(anna)
    assert again.get("/account/").status_code == 200


def test_a_token_of_ones_own(anna, town, at_home, client):
    until = (clock.local(clock.now()) + timedelta(days=30)).date()
    page = at_home.post("/account/tokens/issue/", {"name": "网格通", "scopes": ["read"], "until": str(until)})
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    plain = re.search(r"sd_[\w-]+", page.content.decode()).group()
    row = ApiToken.objects.get()
    assert (row.person, row.scopes) == (anna, ["read"])
    assert row.expires_at == datetime(2021, 6, 23, 16, tzinfo=UTC)  # the end of 23 June in Datong
    assert client.get("/api/v1/me", headers={"authorization": f"Bearer {plain}"}).status_code == 200
    assert plain not in at_home.get("/account/").content.decode()
    assert at_home.post(f"/account/tokens/{row.pk}/revoke/")["Location"] == "/account/"
    assert client.get("/api/v1/me", headers={"authorization": f"Bearer {plain}"}).status_code == 401
    assert LogEntry.objects.filter(action="token.revoke", actor=anna).count() == 1
    others, _plain = tokens.issue(town.person("admin"), "x", ["read"], clock.now())
    assert at_home.post(f"/account/tokens/{others.pk}/revoke/").status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"until": "2021-05-23"}, "until"),
        ({"until": "2099-01-01"}, "until"),
        ({"until": "tomorrow"}, "until"),
    ],
)
def test_a_wrong_token_form_says_what_is_wrong(at_home, given, field):
    form = {"name": "x", "scopes": ["read"], "until": "2021-06-30"} | given
    page = at_home.post("/account/tokens/issue/", form)
    assert page.status_code == 422 and set(page.context["form"].errors) == {field} and not ApiToken.objects.exists()


def test_an_account_without_a_password_is_told_so(anna, at_home):
    anna.set_unusable_password()
    anna.save()
    at_home.force_login(anna)
    assert "没有密码" in at_home.get("/account/").content.decode()
    assert "没有密码" in at_home.get("/account/confirm/").content.decode()


def test_in_english(at_home):
    at_home.post("/language/setlang/", {"language": "en"})
    set_up(at_home)
    for address in ("/account/", "/account/factors/add/", "/account/tokens/issue/", "/account/confirm/"):
        main = re.search(r"<main.*</main>", at_home.get(address).content.decode(), re.DOTALL).group()
        left = set(re.findall(r"[\u3400-\u9fff]+", re.sub(r"<[^>]+>", " ", main)))
        assert not left, (address, left)
