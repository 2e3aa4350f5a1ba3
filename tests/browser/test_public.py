"""The public's pages in a phone: report with a map, find it again; and what WCAG 2.2 AA lets a machine check."""

import shutil

import pytest

from shaodao.cases.models import Case, Report
from shaodao.foundation import uploads
from shaodao.foundation.assets import BUILD
from tests.pictures import gps_jpeg

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
try:
    from playwright.sync_api import expect, sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
    pytest.mark.skipif(sync_playwright is None, reason="Playwright is not installed"),
    pytest.mark.skipif(not (BUILD / "manifest.json").exists(), reason="front end not built (tools/assets.py build)"),
]
PHONE = {"width": 360, "height": 780}


@pytest.fixture
def phone(monkeypatch, live_server, town):
    """phone() → a page of a small phone, optionally without scripts; script errors and CSP breaches fail the test."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def phone(**options):
            given = {"viewport": PHONE, "locale": "zh-CN", "has_touch": True} | options
            context = browser.new_context(base_url=live_server.url, **given)
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
            return page

        yield phone
        browser.close()
    assert not faults, faults


def wait_for_map(page):
    page.wait_for_selector("[data-map-pick][data-ready='1'], [data-map][data-ready='1']", timeout=30_000)


def test_report_with_a_map_and_find_it_again(phone, town):
    page = phone()
    page.goto("/")
    page.get_by_role("link", name="我要上报").first.click()
    page.get_by_label("看到了什么").fill("路灯下面一大堆垃圾")
    page.set_input_files("#id_photos", [{"name": "现场.jpg", "mimeType": "image/jpeg", "buffer": gps_jpeg()}])
    page.wait_for_selector(".photo-grid .photo img")
    wait_for_map(page)
    page.locator("[data-map-pick]").scroll_into_view_if_needed()
    page.locator("[data-map-pick]").click(position={"x": 150, "y": 130})
    expect(page.locator("#id_lon")).not_to_have_value("")
    expect(page.locator(".place-name")).not_to_be_empty()
    page.locator("summary", has_text="用网格编码或坐标").click()
    page.fill("#id_lon", "113.2005")
    page.fill("#id_lat", "40.0005")
    page.locator("#id_lat").blur()
    expect(page.locator(".place-name")).to_contain_text("永泰街道")
    page.fill("#category-search", "垃圾")
    expect(page.locator("#id_category option").first).to_have_text("找到 1 类，请选择")
    page.select_option("#id_category", label="暴露垃圾")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/report/thanks/**")
    report = Report.objects.get()
    assert (report.case.street, report.category) == (town.street, town.litter)
    assert report.photos.count() == 1
    number, code = page.locator("#number").inner_text(), page.locator("#code").inner_text()
    page.goto("/follow/")
    page.get_by_label("案件编号").fill(number)
    page.get_by_label("查询码").fill(code)
    page.get_by_role("button", name="查询").click()
    page.wait_for_url("**/follow/*/")
    assert "路灯下面一大堆垃圾" in page.inner_text("main") and number in page.inner_text("main")
    image = page.locator("main img").first
    assert image.evaluate("i => i.decode().then(() => i.naturalWidth)") == 400


def test_a_place_picked_on_the_map_is_where_the_report_is(phone, town):
    page = phone(geolocation={"longitude": 113.2045, "latitude": 40.0012, "accuracy": 9}, permissions=["geolocation"])
    page.goto("/report/")
    wait_for_map(page)
    page.get_by_role("button", name="使用我的位置").click()
    expect(page.locator(".place-name")).to_contain_text("古城街道")
    page.get_by_label("看到了什么").fill("水管漏水")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_url("**/report/thanks/**")
    report = Report.objects.get()
    assert (report.case.street, report.datum) == (town.other_street, "WGS-84")
    assert abs(report.lon - 113.2045) < 1e-5


def test_reporting_and_following_without_scripts(phone, town):
    page = phone(java_script_enabled=False)
    page.goto("/report/")
    assert not page.locator("[data-map-pick]").is_visible() and not page.locator("#category-search").is_visible()
    page.get_by_label("看到了什么").fill("井盖松了")
    page.get_by_label("地址或附近的标志").fill("迎宾街公交站")
    page.locator("summary", has_text="怎么联系您").click()
    page.get_by_label("手机或电话").fill("13812345678")
    page.get_by_role("button", name="提交", exact=True).click()
    assert "/report/thanks/" in page.url
    page.get_by_role("link", name="查看进展").click()
    assert "井盖松了" in page.inner_text("main") and "13812345678" not in page.content()


def test_what_was_typed_survives_a_mistake_and_a_reload(phone, town):
    page = phone()
    page.goto("/report/")
    page.get_by_label("看到了什么").fill("半篇上报")
    page.locator("summary", has_text="怎么联系您").click()
    page.get_by_label("手机或电话").fill("13812345678")
    page.reload()
    assert page.get_by_label("看到了什么").input_value() == "半篇上报"
    assert page.locator("#id_phone").input_value() == ""  # contacts are not kept in the browser
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_selector("[data-error-summary]")
    assert page.get_by_label("看到了什么").input_value() == "半篇上报" and not Case.objects.exists()
    assert page.evaluate("document.activeElement.matches('[data-error-summary]')")


def test_the_keyboard_reaches_everything_in_order(phone, town):
    page = phone()
    page.goto("/report/")
    wait_for_map(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip-link"
    page.focus("#id_text")
    order = []
    for _step in range(60):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        if order[-1] == "提交":
            break
    wanted = ["id_photos", "使用我的位置", "id_address", "用网格编码或坐标", "category-search", "id_category", "提交"]
    found = [name for name in order if name in wanted]
    assert found == wanted, order
    assert "id_homepage" not in order  # what only machines should fill
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


# ── what can be checked of accessibility ─────────────────────────────────────────────────────────────────────────

AUDIT = r"""
() => {
  const faults = [];
  const say = (what, el) => faults.push(`${what}: ${el.outerHTML.slice(0, 140)}`);
  const seen = (el) => el.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && el.getClientRects().length > 0
    && !el.closest('.visually-hidden, .skip-link, [hidden], .maplibregl-map');
  if (!document.documentElement.lang) faults.push('no lang');
  if (!document.title.trim()) faults.push('no title');
  const h1 = [...document.querySelectorAll('h1')];
  if (h1.length !== 1 || !h1[0].textContent.trim()) faults.push(`h1: ${h1.length}`);
  let level = 0;
  for (const h of document.querySelectorAll('main h1, main h2, main h3, main h4')) {
    const n = Number(h.tagName[1]);
    if (n > level + 1) say(`heading jumps from ${level} to ${n}`, h);
    level = n;
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push(`twice the id ${id}`);
  for (const el of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (!seen(el)) continue;
    const named = el.labels?.length || el.getAttribute('aria-label') || el.getAttribute('aria-labelledby');
    if (!named) say('no label', el);
    for (const id of (el.getAttribute('aria-describedby') ?? '').split(/\s+/).filter(Boolean))
      if (!document.getElementById(id)) say(`described by nothing (${id})`, el);
  }
  for (const el of document.querySelectorAll('a[href], button, summary')) {
    if (!seen(el)) continue;
    const label = el.querySelector('[aria-label]')?.getAttribute('aria-label') ?? el.querySelector('img')?.alt ?? '';
    if (!(el.textContent.trim() || el.getAttribute('aria-label') || label)) say('no name', el);
    const { width, height } = el.getBoundingClientRect();
    const inline = getComputedStyle(el).display === 'inline' && el.tagName === 'A';
    if (!inline && (width < 24 || height < 24)) say(`target ${width}x${height}`, el);
  }
  for (const el of document.querySelectorAll('img')) if (!el.hasAttribute('alt')) say('no alt', el);
  for (const el of document.querySelectorAll('[aria-hidden=true] a, [aria-hidden=true] button, [aria-hidden=true] input'))
    if (el.tabIndex >= 0) say('focus inside hidden', el);
  const number = /rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)(?:[,/ ]+([\d.]+))?\)/;
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parse = (text) => {
    let m = number.exec(text);
    if (!m) { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; }
    return [Number(m[1]), Number(m[2]), Number(m[3]), m[4] === undefined ? 1 : Number(m[4])];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const grounds = (el) => {  // every colour that may lie behind an element (several under a gradient)
    if (!el) return [[255, 255, 255, 1]];
    const style = getComputedStyle(el);
    const stops = (style.backgroundImage.match(/rgba?\([^)]*\)/g) ?? []).map(parse);
    if (stops.length) return stops;
    const own = parse(style.backgroundColor);
    return own[3] === 1 ? [own] : grounds(el.parentElement).map((below) => over(own, below));
  };
  const light = (c) => { const f = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const done = new Set();
  while (walk.nextNode()) {
    const el = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || done.has(el) || !seen(el) || el.closest('[disabled], script, style, option')) continue;
    done.add(el);
    const style = getComputedStyle(el);
    const big = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    for (const ground of grounds(el)) {
      const [a, b] = [light(over(parse(style.color), ground)), light(ground)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < (big ? 3 : 4.5)) { say(`contrast ${ratio.toFixed(2)}`, el); break; }
    }
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push('scrolls sideways');
  return faults;
}
"""


@pytest.fixture
def addresses(town):
    """Pages to look at, with something on each: a published case with a photo, one that is not, an answered form."""
    from django.core.files.base import ContentFile
    from django.urls import reverse

    from shaodao.cases.models import Callback
    from shaodao.portal.views.following import follow_token

    upload = uploads.store(ContentFile(gps_jpeg(), "a.jpg"))
    case = town.handling(photos=[upload], name="王某")
    town.act("publish", case, "duty_leader", published=True, public_text="一堆垃圾", public_photos=[upload.pk])
    hidden = town.report(lon=113.2035)
    town.closed(lat=40.0015, lon=113.2055, name="李某")
    names = ["home", "report", "public_cases", "follow", "about", "privacy", "accessibility", "bikes_open"]
    found = [reverse(name) for name in names]
    found += [reverse("public_case", args=[c.number]) for c in (case, hidden)]
    found += [reverse("followed", args=[follow_token(case.reports.get())])]
    found += [reverse("callback", args=[Callback.objects.get().token])]
    return [*found, "/cases/?q=x&since=nonsense", "/cases/?view=map"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_every_page_passes_the_audit(phone, live_server, addresses, theme, width):
    page = phone(viewport={"width": width, "height": 800})
    page.context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
    faults = {}
    for address in addresses:
        page.goto(address)
        if page.locator("[data-map], [data-map-pick]").count():
            wait_for_map(page)
        page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((d) => (d.open = true))")
        faults[address] = page.evaluate(AUDIT)
    assert not any(faults.values()), "\n".join(f"{a}\n  " + "\n  ".join(f) for a, f in faults.items() if f)


def test_the_audit_finds_what_is_wrong(phone):
    page = phone()
    page.goto("/about/")
    page.evaluate("""() => {
      const main = document.querySelector('main');
      main.insertAdjacentHTML('beforeend', '<h4>x</h4><input id="bare"><button></button><img src="/x">');
      const pale = document.createElement('p'); pale.textContent = 'pale'; pale.style.color = '#ccc'; main.append(pale);
    }""")
    found = "\n".join(page.evaluate(AUDIT))
    for what in ("heading jumps", "no label", "no name", "no alt", "contrast"):
        assert what in found


def test_an_error_page_of_the_form_passes_too(phone, town):
    page = phone()
    page.goto("/report/")
    page.get_by_role("button", name="提交", exact=True).click()
    page.wait_for_selector("[data-error-summary]")
    assert page.evaluate(AUDIT) == []
    link = page.locator("[data-error-summary] a").first
    target = link.get_attribute("href")
    assert page.locator(target).count() == 1


def test_the_same_problem_and_the_thanks_pass_too(phone, town):
    town.report(lon=113.2005, lat=40.0005)
    page = phone(java_script_enabled=True)
    page.goto("/report/?category=event-0110&lon=113.2005&lat=40.0006")
    page.get_by_label("看到了什么").fill("同一堆垃圾")
    page.get_by_role("button", name="提交", exact=True).click()
    page.get_by_role("heading", name="是同一个问题吗").wait_for()
    assert page.evaluate(AUDIT) == []
    page.get_by_role("button", name="就是这个").click()
    page.wait_for_url("**/report/thanks/**")
    assert page.evaluate(AUDIT) == []
    assert Case.objects.get().report_count == 2
