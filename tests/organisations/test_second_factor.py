"""Signing in with a second factor: no session before it, no code twice, a lock, a way back in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections

from shaodao.foundation import clock
from shaodao.foundation.errors import Refused
from shaodao.organisations import actions, tokens
from shaodao.organisations.account import factors, rules
from shaodao.organisations.models import Factor, Person, RecoveryCode
from tests.organisations.conftest import PASSWORD, code_at, lines, set_up
from tests.town import later

pytestmark = pytest.mark.django_db


@pytest.fixture
def armed(anna, browser_of):
    """Anna with an authenticator and recovery codes, and a browser that is not signed in."""
    browser = browser_of()
    browser.sign_in(anna)
    key, codes = set_up(browser)
    assert len(codes) == 10 and len(set(codes)) == 10
    return browser_of(), key, codes


def test_without_a_factor_nothing_changes(anna, browser_of):
    browser = browser_of()
    answer = browser.sign_in(anna, next="/command/")
    assert answer.status_code == 302 and answer["Location"] == "/command/" and browser.who == str(anna.pk)
    (line,) = lines(anna, "session.login")
    assert line.data == {"how": "password", "address": "127.0.0.1"}


def test_the_password_alone_signs_nobody_in(anna, armed):
    browser, key, _codes = armed
    with later(minutes=2):
        answer = browser.sign_in(anna, next="/work/intake/")
        assert answer["Location"] == "/login/code/" and browser.who is None
        half = browser.session.session_key
        assert browser.get("/work/").status_code == 302
        assert browser.get("/api/v1/cases").status_code in {200, 401}
        assert browser.get("/account/")["Location"].startswith("/login/")
        page = browser.get("/login/code/").content.decode()
        assert 'autocomplete="one-time-code"' in page and "no-store" in browser.get("/login/code/")["Cache-Control"]
        done = browser.post("/login/code/", {"code": code_at(key)})
        assert done["Location"] == "/work/intake/" and browser.who == str(anna.pk)
        assert browser.session.session_key != half
        assert browser.get("/login/code/")["Location"] == "/login/"  # the half is used up
    assert len(lines(anna, "session.login")) == 2


def test_the_session_key_changes_when_the_password_was_right(anna, armed):
    browser, _key, _codes = armed
    session = browser.session
    session["language"] = "zh"
    session.save()
    before = session.session_key
    browser.sign_in(anna)
    assert browser.session.session_key != before


def test_a_code_is_good_once(anna, armed, browser_of):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna)
        assert browser.post("/login/code/", {"code": code_at(key)}).status_code == 302
        other = browser_of()
        other.sign_in(anna)
        again = other.post("/login/code/", {"code": code_at(key)})
        assert again.status_code == 422 and other.who is None and "已经用过" in again.content.decode()
        earlier = other.post("/login/code/", {"code": code_at(key, clock.now() - timedelta(seconds=30))})
        assert earlier.status_code == 422  # an older step after a newer one is a replay as well
        with later(seconds=30):
            assert other.post("/login/code/", {"code": code_at(key)}).status_code == 302


def test_the_code_of_the_set_up_does_not_sign_in(anna, armed):
    browser, key, _codes = armed
    browser.sign_in(anna)
    assert browser.post("/login/code/", {"code": code_at(key)}).status_code == 422


@pytest.mark.parametrize(("off", "right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_phone_may_be_half_a_minute_off(anna, armed, off, right):
    browser, key, _codes = armed
    with later(minutes=5):
        browser.sign_in(anna)
        code = code_at(key, clock.now() + timedelta(seconds=off))
        assert (browser.post("/login/code/", {"code": code}).status_code == 302) is right


@pytest.mark.parametrize("text", ["", "000", "abc\0def", "１２３４５", "9" * 500, "'; drop table", "\ud83d"])
def test_nonsense_is_a_plain_error(anna, armed, text):
    browser, _key, _codes = armed
    browser.sign_in(anna)
    for address in ("/login/code/", "/login/code/?recovery=1"):
        answer = browser.post(address, {"code": text.encode("utf-8", "replace").decode()})
        assert answer.status_code == 422 and browser.who is None


def test_a_recovery_code_is_good_once_and_logged(anna, armed, browser_of):
    browser, _key, codes = armed
    browser.sign_in(anna)
    typed = f" {codes[0].upper().replace('-', ' ')} "
    assert browser.post("/login/code/?recovery=1", {"code": typed}).status_code == 302
    other = browser_of()
    other.sign_in(anna)
    assert other.post("/login/code/?recovery=1", {"code": codes[0]}).status_code == 422
    assert other.post("/login/code/?recovery=1", {"code": codes[1]}).status_code == 302
    assert [line.data["left"] for line in lines(anna, "factor.recovery_used")] == [9, 8]
    assert not RecoveryCode.objects.filter(digest__in=codes).exists()  # only digests are kept


def test_wrong_codes_lock_name_and_address(anna, armed, browser_of, settings):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna)
        for _n in range(settings.AXES_FAILURE_LIMIT - 1):
            assert browser.post("/login/code/", {"code": "000000"}).status_code == 422
        assert browser.post("/login/code/", {"code": "000000"}).status_code == 429
        assert browser.post("/login/code/", {"code": code_at(key)}).status_code == 429  # right, and too late
        assert browser.get("/login/code/").status_code == 429
        assert browser_of().sign_in(anna).status_code == 429  # the password is locked as well
        assert browser.who is None


def test_the_lock_keeps_no_code(anna, armed):
    from axes.models import AccessAttempt

    browser, _key, _codes = armed
    browser.sign_in(anna)
    browser.post("/login/code/", {"code": "314159"})
    (row,) = AccessAttempt.objects.filter(username=anna.username)
    assert "314159" not in row.post_data and PASSWORD not in row.post_data


def test_guessing_from_many_addresses_closes_the_factor(anna, armed, browser_of):
    browser, key, codes = armed
    Person.objects.filter(pk=anna.pk).update(wrong_codes=rules.TOO_MANY - 1)
    with later(minutes=2):
        elsewhere = browser_of(REMOTE_ADDR="203.0.113.9")
        elsewhere.sign_in(anna)
        elsewhere.post("/login/code/", {"code": "000000"})
        assert len(lines(anna, "factor.closed")) == 1
        browser.sign_in(anna)
        for code in (code_at(key), codes[0]):
            closed = browser.post("/login/code/", {"code": code})
            assert closed.status_code == 403 and browser.who is None
        anna.refresh_from_db()
        actions.reset_factor(anna, reason="phone lost")
        assert browser.sign_in(anna)["Location"] == "/work/" and browser.who == str(anna.pk)


def test_a_right_code_forgets_the_wrong_ones(anna, armed):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna)
        browser.post("/login/code/", {"code": "000000"})
        assert Person.objects.get(pk=anna.pk).wrong_codes == 1
        browser.post("/login/code/", {"code": code_at(key)})
        assert Person.objects.get(pk=anna.pk).wrong_codes == 0


def test_a_half_sign_in_ends_by_itself(anna, armed):
    browser, key, _codes = armed
    browser.sign_in(anna)
    with later(minutes=15):
        assert browser.post("/login/code/", {"code": code_at(key)})["Location"] == "/login/"
        assert browser.who is None


def test_a_half_sign_in_ends_with_the_password_and_the_account(anna, armed):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna)
        anna.set_password("another-long-pass")
        anna.save()
        assert browser.post("/login/code/", {"code": code_at(key)})["Location"] == "/login/"
        browser.sign_in(anna, "another-long-pass")
        Person.objects.filter(pk=anna.pk).update(is_active=False)
        assert browser.post("/login/code/", {"code": code_at(key)})["Location"] == "/login/"
        assert browser.who is None


def test_onward_stays_on_this_site(anna, armed):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna, next="https://evil.example/")
        assert browser.post("/login/code/", {"code": code_at(key)})["Location"] == "/work/"


def test_a_required_post_sets_up_before_anything_else(anna, required, browser_of):
    required({"required_for": ["duty_leader"]})
    browser = browser_of()
    assert browser.sign_in(anna, next="/work/intake/")["Location"] == "/login/set-up/" and browser.who is None
    assert browser.get("/work/").status_code == 302 and browser.get("/login/code/")["Location"] == "/login/set-up/"
    key = browser.offered_key("/login/set-up/")
    wrong = browser.post("/login/set-up/", {"code": "000000"})
    assert wrong.status_code == 422 and browser.who is None and not anna.factors.exists()
    assert browser.offered_key("/login/set-up/") == key  # a slip does not change the picture
    done = browser.post("/login/set-up/", {"code": code_at(key)})
    assert done.status_code == 200 and "/work/intake/" in done.content.decode() and browser.who == str(anna.pk)
    assert key not in anna.factors.get().secret
    (line,) = lines(anna, "factor.add")
    assert line.actor == anna and line.data == {"kind": "totp"}
    with pytest.raises(Refused, match="岗位"):
        factors.remove(anna.factors.get(), clock.now())


def test_a_set_up_is_not_taken_over_by_who_knows_the_password(anna, required, browser_of):
    required({"required_for": ["duty_leader"]})
    thief, browser = browser_of(), browser_of()
    thief.sign_in(anna)
    stolen = thief.offered_key("/login/set-up/")
    browser.sign_in(anna)
    browser.post("/login/set-up/", {"code": code_at(browser.offered_key("/login/set-up/"))})
    factor = anna.factors.get()
    assert thief.post("/login/set-up/", {"code": code_at(stolen)})["Location"] == "/login/"
    assert anna.factors.get() == factor and thief.who is None


def test_other_posts_and_sample_people_are_not_asked(anna, town, required, browser_of):
    required({"required_for": ["admin"]})
    assert browser_of().sign_in(anna)["Location"] == "/work/"
    required({"required_for": ["duty_leader"]})
    Person.objects.filter(pk=anna.pk).update(sample=True)
    assert browser_of().sign_in(anna)["Location"] == "/work/"
    Person.objects.filter(pk=anna.pk).update(sample=False)
    anna.posts.update(active=False)
    assert browser_of().sign_in(anna)["Location"] == "/work/"


def test_off_means_off(anna, armed, required, browser_of):
    browser, _key, _codes = armed
    required("off")
    assert browser.sign_in(anna)["Location"] == "/work/"
    assert browser.get("/account/factors/add/")["Location"] == "/account/"


def test_reset_takes_everything_away_and_ends_sessions(anna, armed, browser_of, town):
    browser, key, _codes = armed
    with later(minutes=2):
        browser.sign_in(anna)
        browser.post("/login/code/", {"code": code_at(key)})
    anna.refresh_from_db()
    boss = town.person("admin")
    assert actions.reset_factor(anna, by=boss, reason="手机丢了") == 1
    assert browser.get("/account/").status_code == 302  # the session is over
    assert not anna.factors.exists() and not anna.recovery_codes.exists()
    (line,) = lines(anna, "factor.reset")
    assert (line.actor, line.reason, line.data) == (boss, "手机丢了", {"factors": 1})
    assert browser_of().sign_in(anna)["Location"] == "/work/"


def test_reset_from_the_command_line(anna, armed):
    from click.testing import CliRunner

    from shaodao.cli import main

    result = CliRunner().invoke(main, ["user", "reset-factor", anna.username, "--reason", "lost"])
    assert result.exit_code == 0, result.output
    assert not anna.factors.exists() and lines(anna, "factor.reset")[0].reason == "lost"
    assert CliRunner().invoke(main, ["user", "reset-factor", "nobody"]).exit_code == 2


def test_tokens_and_sessions_of_the_api_are_as_before(anna, armed):
    browser, key, _codes = armed
    _row, plain = tokens.issue(anna, "machine", ["read"], clock.now())
    assert browser.get("/api/v1/me", headers={"authorization": f"Bearer {plain}"}).status_code == 200
    with later(minutes=2):
        browser.sign_in(anna)
        assert browser.get("/api/v1/me").status_code == 401  # half a sign-in is none
        browser.post("/login/code/", {"code": code_at(key)})
        assert browser.get("/api/v1/me").status_code == 200


def test_a_key_that_cannot_be_read_lets_nobody_in(anna, armed, settings):
    browser, key, _codes = armed
    Factor.objects.update(secret="gAAAA-not-sealed-by-us")
    with later(minutes=2):
        browser.sign_in(anna)
        assert browser.post("/login/code/", {"code": code_at(key)}).status_code == 422


GARBAGE = ["", "null", "[]", "{}", "7", '{"id": 1, "rawId": 2}', "[" * 90_000, '{"a":' * 20_000, "\0", "é" * 500]
GARBAGE.append(
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}'
)


def test_passkey_answers_that_are_garbage(anna, browser_of, settings):
    settings.ORIGIN = "https://city.example"
    browser = browser_of()
    browser.sign_in(anna)
    for text in GARBAGE:
        browser.get("/account/factors/add/")
        answer = browser.post("/account/factors/add/", {"name": "x", "credential": text})
        assert answer.status_code == 422 and not anna.factors.exists()
    anna.factors.create(kind="passkey", name="k", secret="not sealed", created_at=clock.now())
    other = browser_of()
    other.sign_in(anna)
    for text in GARBAGE[1:5]:
        assert other.post("/login/code/", {"credential": text}).status_code == 422 and other.who is None
    settings.AXES_ENABLED = False
    for text in GARBAGE[5:]:
        assert other.post("/login/code/", {"credential": text}).status_code == 422 and other.who is None


@pytest.mark.parametrize(
    ("origin", "offered"),
    [("https://city.example", True), ("http://localhost:8000", True), ("http://127.0.0.1:8000", False),
     ("http://city.example", False), ("https://10.1.2.3", False), ("https://[::1]:8000", False)],
)  # fmt: skip
def test_passkeys_are_offered_where_browsers_allow_them(anna, browser_of, settings, origin, offered):
    settings.ORIGIN = origin
    browser = browser_of()
    browser.sign_in(anna)
    assert ("data-passkey" in browser.get("/account/factors/add/").content.decode()) is offered


@pytest.mark.django_db(transaction=True)
def test_of_many_requests_with_one_code_one_is_let_in(anna, armed):
    _browser, key, codes = armed
    at = clock.now() + timedelta(minutes=2)
    good = code_at(key, at)

    def use(code):
        try:
            return factors.check(Person.objects.get(pk=anna.pk), code, at)
        finally:
            connections.close_all()

    for code in (good, codes[3]):
        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(use, [code] * 6)) == [False] * 5 + [True]
    assert connection.vendor in {"sqlite", "postgresql"}
