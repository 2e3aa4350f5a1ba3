"""Setting a second factor up and signing in with it by clicking: an authenticator's code, a passkey, the provider."""

import shutil
import time
from datetime import UTC, datetime

import pyotp
import pytest

from shaodao.foundation import district
from shaodao.foundation.assets import BUILD
from shaodao.foundation.models import District, LogEntry
from shaodao.organisations.account import sso
from shaodao.organisations.models import ApiToken
from tests.organisations.provider import CLIENT, SECRET, Provider

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(sync_playwright is None, reason="Playwright is not installed"),
    pytest.mark.skipif(not (BUILD / "manifest.json").exists(), reason="front end not built (tools/assets.py build)"),
]
PASSWORD = "a-long-enough-pass"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def anna(town):
    person = town.person("duty_leader")
    person.set_password(PASSWORD)
    person.save()
    return person


@pytest.fixture
def page(monkeypatch, live_server, settings):
    """A phone at `localhost`, where browsers allow passkeys without TLS; a script error or a breach of policy fails."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    settings.ORIGIN = live_server.url.replace("127.0.0.1", "localhost")
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=settings.ORIGIN, locale="zh-CN", viewport=PHONE)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
        yield page
        browser.close()
    assert faults == []


def sign_in(page, person):
    page.goto("/login/")
    page.fill("#id_username", person.username)
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="登录", exact=True).click()


def sign_out(page):
    page.goto("/account/")
    page.locator("summary", has_text="我的菜单").click()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_url("**/")


def next_code(key, used=""):
    """The code that the phone shows now, or, when that one was used, the next one (half a minute at most)."""
    totp = pyotp.TOTP(key)
    while (code := totp.at(datetime.now(UTC))) == used:
        time.sleep(0.5)
    return code


def test_an_authenticator_from_set_up_to_sign_in(anna, page):
    sign_in(page, anna)
    page.locator("summary", has_text="我的菜单").click()
    page.get_by_role("link", name="我的账号").click()
    page.get_by_role("link", name="开启第二重验证").click()
    assert page.locator(".qr").bounding_box()["width"] > 150
    page.get_by_text("不能扫码？").click()
    key = page.locator("#totp-key").inner_text().replace(" ", "")
    used = next_code(key)
    page.get_by_label("6 位验证码").fill(used)
    page.get_by_role("button", name="完成设置").click()
    codes = page.locator(".recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    page.get_by_role("link", name="我已保存，继续").click()
    assert "还剩 10 个" in page.content()

    sign_out(page)
    sign_in(page, anna)
    page.wait_for_url("**/login/code/")
    field = page.get_by_label("6 位验证码")
    assert field.get_attribute("inputmode") == "numeric"
    field.fill(used)
    page.get_by_role("button", name="登录", exact=True).click()
    assert "已经用过" in page.locator(".error-summary").inner_text()
    page.get_by_label("6 位验证码").fill(next_code(key, used))
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/work/")

    sign_out(page)
    sign_in(page, anna)
    page.get_by_role("link", name="用恢复码").click()
    page.get_by_label("一个恢复码").fill(codes[4].upper())
    page.get_by_role("button", name="登录", exact=True).click()
    page.wait_for_url("**/work/")
    assert LogEntry.objects.filter(action="session.login", actor=anna).count() == 3


def test_a_passkey_where_the_post_requires_a_factor(anna, page):
    District.objects.update(settings={"second_factor": {"required_for": ["duty_leader"]}})
    district.forget()
    tool = page.context.new_cdp_session(page)
    tool.send("WebAuthn.enable")
    key = {"protocol": "ctap2", "transport": "usb", "automaticPresenceSimulation": True}
    there = tool.send("WebAuthn.addVirtualAuthenticator", {"options": key})["authenticatorId"]
    sign_in(page, anna)
    page.wait_for_url("**/login/set-up/")
    page.get_by_label("名称").fill("蓝色钥匙")
    page.get_by_role("button", name="添加通行密钥").click()
    page.get_by_role("link", name="我已保存，继续").click()
    page.wait_for_url("**/work/")
    assert anna.factors.get().name == "蓝色钥匙"

    sign_out(page)
    sign_in(page, anna)
    page.get_by_role("button", name="用通行密钥").click()
    page.wait_for_url("**/work/")
    assert anna.factors.get().last_used_at is not None and anna.factors.get().last_step > 1

    # another key does not open it
    sign_out(page)
    tool.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": there})
    tool.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    sign_in(page, anna)
    page.get_by_role("button", name="用通行密钥").click()
    page.locator("#toasts .notice-danger").wait_for()
    assert page.url.endswith("/login/code/")


def test_a_token_by_clicking(anna, page):
    sign_in(page, anna)
    page.goto("/account/")
    page.get_by_role("link", name="签发令牌").click()
    page.get_by_label("用途").fill("网格通")
    page.get_by_role("button", name="签发", exact=True).click()
    plain = page.locator("#token-plain").inner_text()
    assert plain.startswith("sd_") and plain not in page.request.get("/account/").text()
    page.get_by_role("link", name="我已保存，继续").click()
    page.get_by_role("button", name="撤销 网格通").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    page.locator(".notice-success").wait_for()
    assert ApiToken.objects.get().revoked_at is not None


def test_through_the_provider(anna, page, settings):
    provider = Provider()
    provider.claims = {"preferred_username": anna.username}
    settings.OIDC = {
        "issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, "label": "区政务统一认证",
        "claim": "preferred_username",
    }  # fmt: skip
    sso._client.cache_clear()
    try:
        page.goto("/work/intake/")
        page.get_by_role("link", name="区政务统一认证").click()
        page.wait_for_url("**/work/intake/")
        assert LogEntry.objects.get(action="session.login").data["how"] == "sso"
    finally:
        provider.stop()
        sso._client.cache_clear()
