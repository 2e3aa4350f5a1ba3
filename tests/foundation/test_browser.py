"""The components in a real browser, under the real content policy."""

import os
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.handlers.wsgi import WSGIHandler
from PIL import Image

from shaodao.foundation.assets import BUILD

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
pytestmark = [
    pytest.mark.django_db(transaction=True),  # the content policy asks for the district's basemap
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(not (BUILD / "manifest.json").exists(), reason="front end not built (tools/assets.py build)"),
]
NEEDS_DATABASE = ("Session", "Authentication", "History", "Message", "axes", "Locale")


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_arguments) -> None:
        """No line for each file."""


@pytest.fixture
def site(settings):
    settings.ROOT_URLCONF = "tests.foundation.pages"
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not any(part in name for part in NEEDS_DATABASE)]
    plain = {"context_processors": ["django.template.context_processors.request"]}
    engine = settings.TEMPLATES[0]  # a new list, not a change in place: only then are the loaded engines made anew
    settings.TEMPLATES = [engine | {"OPTIONS": engine["OPTIONS"] | plain}]
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    server = make_server("127.0.0.1", 0, WSGIHandler(), Server, Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(site, monkeypatch):
    """A page that fails the test on any script error or breach of the content policy."""
    from playwright.sync_api import sync_playwright

    monkeypatch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        here = {"longitude": 113.31, "latitude": 40.08, "accuracy": 12}
        context = browser.new_context(
            base_url=site,
            locale="zh-CN",
            geolocation=here,
            permissions=["geolocation"],
            viewport={"width": 360, "height": 780},
        )
        tab = context.new_page()
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        yield tab
        browser.close()
    assert faults == []


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_inbox_by_keyboard_then_confirm(page):
    page.goto("/inbox")
    assert page.locator("#go").is_disabled()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    assert page.locator("tr.row-current td").last.inner_text() == "1"
    assert page.locator("[data-bulk-count]").inner_text() == "已选 1 项"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"

    page.locator("#go").click()
    page.get_by_role("button", name="取消").click()
    assert "posted:dispatch" not in page.content()
    page.locator("#go").click()
    page.get_by_role("button", name="确定").click()
    page.wait_for_selector("text=posted:dispatch 1")

    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/board?n=0")


def test_map_and_chart_draw_without_a_tile_server_by_day_and_by_night(page):
    page.goto("/board")
    page.wait_for_selector('[data-map][data-ready="1"]')
    page.wait_for_selector('[data-chart][data-ready="1"]')
    assert page.locator(".map-legend").inner_text().split() == ["已超期", "边界为示意"]
    assert fits(page)
    page.locator("[data-map] canvas").first.click()
    page.wait_for_selector(".map-popup")
    assert page.locator(".map-popup-title").inner_text() == "井盖<b>破损</b>"

    page.locator("[data-theme-switch]").click()
    page.wait_for_selector('html[data-bs-theme="dark"] [data-map][data-ready="1"]')
    page.reload()
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_place_photos_and_draft(page, tmp_path):
    page.goto("/report")
    page.wait_for_selector('[data-map-pick][data-ready="1"]')
    assert fits(page)
    page.get_by_text("使用我的位置").click()
    page.wait_for_selector(".map-pin")
    assert page.input_value("#id_lon") == "113.310000"
    page.locator(".map-pin").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert float(page.input_value("#id_lon")) == pytest.approx(113.310059, abs=2e-6)
    assert float(page.input_value("#id_lat")) == pytest.approx(40.080045, abs=2e-6)

    files = [tmp_path / f"{n}.png" for n in range(3)]
    for file in files:
        Image.new("RGB", (8, 8)).save(file)
    page.set_input_files("#photos", files)
    page.wait_for_selector(".photo-faults li")
    assert page.locator(".photo").count() == 2  # data-max
    assert "2.png" in page.inner_text(".photo-faults")  # what was left out is named, and stays named
    page.locator(".photo-remove").first.click()
    assert page.evaluate("document.querySelector('#photos').files.length") == 1

    page.fill("#id_text", "井盖坏了")
    page.fill("#id_phone", "13800000000")
    page.reload()
    assert page.input_value("#id_text") == "井盖坏了"
    assert page.input_value("#id_phone") == ""
    assert "13800000000" not in page.evaluate("JSON.stringify(localStorage)")
    page.get_by_role("button", name="清空草稿").click()
    assert page.input_value("#id_text") == ""
