"""The headquarters' day in a browser: numbers lead to lists, the map is drawn, nothing breaks the content policy."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from shaodao.foundation import clock
from shaodao.foundation.assets import BUILD
from tests.command.conftest import Busy, recent

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
READY = '[data-map][data-ready="1"]'


@pytest.fixture
def page(monkeypatch, live_server, town, settings):
    """A page of the headquarters; an error of a script, of the content policy or of a request fails the test."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    now = clock.now()
    with clock.freeze(
        (now - timedelta(days=7 + now.weekday())).replace(hour=1, minute=0)
    ):  # a Monday morning in Datong
        Busy(town)
    recent(town)
    client = Client()
    client.force_login(town.person("headquarters"))
    name, faults = settings.SESSION_COOKIE_NAME, []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url, locale="zh-CN", viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        found = context.new_page()
        found.on("pageerror", lambda error: faults.append(str(error)))
        found.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
        yield found
        browser.close()
    assert faults == []


@pytest.mark.parametrize("width", [1440, 390])
def test_the_day_is_drawn_and_fits(page, tmp_path, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/command/")
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_selector('[data-chart][data-ready="1"]')
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    folder = Path(os.environ.get("SHAODAO_SHOTS") or tmp_path)
    shot = page.screenshot(path=folder / f"command-{width}.png", full_page=True)
    assert len(shot) > 50_000


def test_a_number_leads_to_its_list_and_the_numbers_refresh(page):
    page.goto("/command/")
    tile = page.locator('[data-number="open"]')
    number = int(tile.locator(".tile-number").inner_text())
    with page.expect_response("**/command/now/"):
        page.evaluate("document.body.dispatchEvent(new Event('shaodao:changed'))")
    page.locator('[data-number="open"]').click()
    page.wait_for_url("**/work/all/?state=open")
    assert f"共 {number} 项" in page.content()
