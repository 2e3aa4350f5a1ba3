"""Single sign-on against a real provider in this process: who is let in, and everything that is not believed."""

import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from joserfc.jwk import RSAKey

from shaodao.config import settings as house
from shaodao.foundation import clock
from shaodao.foundation.models import LogEntry
from shaodao.organisations.account import sso
from shaodao.organisations.models import Person
from tests.organisations.conftest import PASSWORD, code_at, lines, set_up
from tests.organisations.provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    made = Provider()
    settings.OIDC = {
        "issuer": made.issuer, "client_id": CLIENT, "client_secret": SECRET, "label": "区政务统一认证",
        "claim": "preferred_username",
    }  # fmt: skip
    settings.ORIGIN = "http://testserver"
    sso._client.cache_clear()
    yield made
    made.stop()
    sso._client.cache_clear()


@pytest.fixture
def bob(town):
    person = town.person("duty_leader")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def browser(browser_of):
    return browser_of()


def go(browser, provider, username=None, address="/login/sso/", **claims):
    """Through the provider as `username`, and back: the answer of our callback."""
    provider.claims = ({"preferred_username": username} if username else {}) | claims
    sent = browser.get(address)
    assert sent.status_code == 302 and sent["Location"].startswith(f"{provider.issuer}/authorize?")
    return browser.get(provider.answer_of(sent["Location"]))


def test_whoever_has_an_account_is_let_in(bob, browser, provider):
    page = browser.get("/login/?next=/command/").content.decode()
    assert "区政务统一认证" in page and "/login/sso/?next=/command/" in page
    before = browser.get("/login/sso/") and browser.session.session_key
    answer = go(browser, provider, bob.username, "/login/sso/?next=/command/")
    assert answer["Location"] == "/command/" and browser.who == str(bob.pk)
    assert browser.session.session_key != before
    assert lines(bob, "session.login")[0].data["how"] == "sso"
    assert provider.asked[-1]["redirect_uri"] == "http://testserver/login/sso/back/"


def test_without_a_provider_there_is_no_button_and_no_page(bob, browser):
    assert "login/sso" not in browser.get("/login/").content.decode()
    assert browser.get("/login/sso/").status_code == 404 and browser.get("/login/sso/back/").status_code == 404


@pytest.mark.parametrize("claims", [{"preferred_username": "stranger"}, {}, {"preferred_username": 7},
                                    {"preferred_username": "a\0b"}, {"preferred_username": ["x"]}])  # fmt: skip
def test_a_stranger_gets_a_clear_page_and_no_account(bob, browser, provider, claims):
    people = Person.objects.count()
    answer = go(browser, provider, **claims)
    assert answer.status_code == 403 and "没有您的账号" in answer.content.decode() and browser.who is None
    assert Person.objects.count() == people and LogEntry.objects.filter(action="session.stranger").count() == 1


def test_a_disabled_account_stays_out(bob, browser, provider):
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    assert go(browser, provider, bob.username).status_code == 403 and browser.who is None


def test_another_claim_and_unverified_mail(bob, browser, provider, settings):
    settings.OIDC = settings.OIDC | {"claim": "email"}
    Person.objects.filter(pk=bob.pk).update(username="bob@city.example")
    assert go(browser, provider, email="bob@city.example").status_code == 403
    assert go(browser, provider, email="bob@city.example", email_verified="true").status_code == 403
    assert go(browser, provider, email="bob@city.example", email_verified=True).status_code == 302
    assert "email" in provider.asked[-1]["scope"]


now = int(time.time())
LIES = [
    {"iss": "https://elsewhere.example"},
    {"iss": None},
    {"aud": "another-client"},
    {"aud": ["another-client"], "azp": CLIENT},
    {"aud": None},
    {"exp": 1_700_003_600, "iat": 1_700_000_000},  # long ago; not of the present moment, since it names the test
    {"exp": None},
    {"nonce": "of-another-sign-in"},
    {"nonce": None},
    {"sub": None},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_an_id_token_that_lies_is_not_believed(bob, browser, provider, lie):
    answer = go(browser, provider, bob.username, **lie)
    assert answer.status_code == 400 and "没有完成" in answer.content.decode() and browser.who is None


def test_a_strange_signature_is_not_believed(bob, browser, provider):
    provider.signs_with = RSAKey.generate_key(2048)
    assert go(browser, provider, bob.username).status_code == 400
    for alg in ("HS256", "none"):
        provider.alg = alg
        assert go(browser, provider, bob.username).status_code == 400
    assert browser.who is None


def test_new_keys_of_the_provider_are_fetched(bob, browser, provider):
    assert go(browser, provider, bob.username).status_code == 302
    browser.post("/logout/")
    provider.rotate()
    assert go(browser, provider, bob.username)["Location"] == "/work/"


def test_state_code_and_browser_belong_together(bob, browser, browser_of, provider):
    provider.claims = {"preferred_username": bob.username}
    sent = browser.get("/login/sso/")["Location"]
    back = provider.answer_of(sent)
    victim = browser_of()
    assert victim.get(back).status_code == 400 and victim.who is None  # somebody else's answer
    assert browser.get(back.replace("state=", "state=x")).status_code == 400
    assert browser.get(back).status_code == 302
    assert browser_of().get(back).status_code == 400  # used up
    for strange in ("", "?code=a", "?state=b", "?code=a&state=b", "?error=access_denied&error_description=<b>"):
        assert browser_of().get(f"/login/sso/back/{strange}").status_code == 400


def test_a_provider_that_is_down_or_calls_itself_otherwise(bob, browser, provider):
    provider.broken = True
    answer = browser.get("/login/sso/")
    assert answer.status_code == 502 and "连不上" in answer.content.decode()
    provider.broken, provider.called = False, "https://elsewhere.example"
    assert browser.get("/login/sso/").status_code == 502
    provider.called = None
    assert browser.get("/login/sso/").status_code == 302  # it is asked again, not remembered as broken


def test_ones_own_factor_is_asked_unless_the_provider_did(bob, browser, browser_of, provider):
    home = browser_of()
    home.sign_in(bob)
    _key, codes = set_up(home)
    assert go(browser, provider, bob.username, "/login/sso/?next=/command/")["Location"] == "/login/code/"
    assert browser.who is None
    assert browser.post("/login/code/?recovery", {"code": codes[0]})["Location"] == "/command/"
    assert lines(bob, "session.login")[-1].data["how"] == "sso"
    other = browser_of()
    assert go(other, provider, bob.username, amr=["pwd", "mfa"])["Location"] == "/work/" and other.who == str(bob.pk)
    third = browser_of()
    assert go(third, provider, bob.username, amr=["pwd"])["Location"] == "/login/code/"


def test_a_required_post_sets_up_unless_the_provider_asked(bob, browser, browser_of, provider, required):
    required({"required_for": ["duty_leader"]})
    assert go(browser, provider, bob.username)["Location"] == "/login/set-up/"
    key = browser.offered_key("/login/set-up/")
    assert browser.post("/login/set-up/", {"code": code_at(key)}).status_code == 200 and browser.who == str(bob.pk)
    bob.factors.all().delete()
    assert go(browser_of(), provider, bob.username, amr=["mfa"])["Location"] == "/work/"


def test_who_has_no_password_confirms_with_the_provider(bob, town, browser, provider):
    bob.set_unusable_password()
    bob.save()
    go(browser, provider, bob.username)
    session = browser.session
    session["confirmed_at"] = clock.now().timestamp() - 3600
    session.save()
    where = browser.get("/account/tokens/issue/")["Location"]
    assert "/login/sso/?confirm=1&amp;next=%2Faccount%2Ftokens%2Fissue%2F" in browser.get(where).content.decode()
    again = "/login/sso/?confirm=1&next=/account/tokens/issue/"
    assert go(browser, provider, bob.username, again, auth_time=now - 7200).status_code == 400
    assert go(browser, provider, bob.username, again, auth_time=None).status_code == 400
    assert go(browser, provider, town.person("admin").username, again).status_code == 400
    assert browser.get("/account/tokens/issue/").status_code == 302
    assert go(browser, provider, bob.username, again)["Location"] == "/account/tokens/issue/"
    assert provider.asked[-1]["prompt"] == "login" and provider.asked[-1]["max_age"] == "0"
    assert browser.get("/account/tokens/issue/").status_code == 200


def test_onward_stays_on_this_site(bob, browser, provider):
    assert go(browser, provider, bob.username, "/login/sso/?next=https://evil.example/")["Location"] == "/work/"


def test_the_environment_must_be_whole(monkeypatch):
    monkeypatch.setenv("SHAODAO_OIDC_ISSUER", "https://id.city.example/")
    with pytest.raises(ImproperlyConfigured, match="CLIENT_SECRET"):
        house._oidc()
    monkeypatch.setenv("SHAODAO_OIDC_CLIENT_ID", "a")
    monkeypatch.setenv("SHAODAO_OIDC_CLIENT_SECRET", "b")
    found = house._oidc()
    assert (found["issuer"], found["claim"]) == ("https://id.city.example", "preferred_username")
    monkeypatch.setenv("SHAODAO_OIDC_ISSUER", "http://id.city.example")
    with pytest.raises(ImproperlyConfigured, match="https"):
        house._oidc()
