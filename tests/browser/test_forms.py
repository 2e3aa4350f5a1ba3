"""Forms in a browser: photos made smaller, a lead that leaves the supports, texts of the pack, the cross on the map."""

import io
import json
import shutil
from functools import partial

import pytest
from django.test import Client
from PIL import Image

from shaodao.cases.models import Case, Report, Wording
from shaodao.catalogue.models import Attribute
from shaodao.foundation import district
from shaodao.foundation.assets import BUILD
from tests.pictures import drawn

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
DESK = {"width": 1280, "height": 800}


@pytest.fixture
def sit(monkeypatch, live_server, town, settings):
    """sit("dispatcher") → a page of somebody in that post, sit() of the public; script and policy faults fail."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    faults: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

        def sit(role=""):
            context = browser.new_context(base_url=live_server.url, locale="zh-CN", viewport=DESK)
            if role:
                client = Client()
                client.force_login(town.person(role))
                name = settings.SESSION_COOKIE_NAME
                context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
            page = context.new_page()
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
            return page

        yield sit
        browser.close()
    assert faults == []


def jpeg(size, orientation=1):
    """A JPEG with a red left half as it is seen; `size` and pixels as they are stored for that EXIF orientation."""
    image = Image.new("RGB", size, "blue")
    image.paste(drawn(size).resize((size[0] // 8, size[1] // 8)), (size[0] // 2, size[1] // 2))
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    if orientation == 6:  # the camera was held upright: stored lying, to be turned clockwise
        image = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def chosen(page):
    """The files that the input will send: [[name, type, size], …]."""
    return page.evaluate(
        "[...document.querySelector('#id_photos').files].map(file => [file.name, file.type, file.size])"
    )


def report(page, **files):
    page.goto("/report/")
    page.get_by_label("看到了什么").fill("一大堆垃圾")
    page.get_by_label("地址或附近的标志").fill("永泰街道公交站")
    page.set_input_files("#id_photos", [{"name": n, "mimeType": t, "buffer": b} for n, (t, b) in files.items()])


def test_a_photo_that_is_too_large_is_sent_smaller_and_upright(sit, settings):
    settings.PHOTO_MAX_BYTES = 2 * 1024 * 1024
    large = jpeg((6000, 4000), 6) + b"\0" * 2_500_000  # what follows the picture makes the file heavy, not the scene
    assert len(large) > settings.PHOTO_MAX_BYTES
    page = sit()
    report(page, **{"IMG_1.jpg": ("image/jpeg", large), "small.jpg": ("image/jpeg", jpeg((640, 480)))})
    page.get_by_role("button", name="提交", exact=True).click()  # at once: the form waits for its photos
    page.wait_for_url("**/report/thanks/**", timeout=60_000)
    assert "收到 2 张" in page.inner_text("main")
    first, second = [p.upload for p in Report.objects.get().photos.select_related("upload")]
    assert max(first.width, first.height) == 4096 and first.width > first.height
    assert first.size < settings.PHOTO_MAX_BYTES and (second.width, second.height) == (640, 480)
    with first.original.open("rb") as file:
        seen = Image.open(file).convert("RGB")
    assert (
        seen.getexif().get(0x0112, 1) == 1
        and seen.getpixel((200, 200))[0] > 200
        and seen.getpixel((4000, 200))[2] > 200
    )


def test_too_many_pixels_are_made_fewer(sit):
    page = sit()
    report(page, **{"wide.png": ("image/png", wide())})
    page.wait_for_selector(".photo img", timeout=60_000)
    assert "由" in page.inner_text(".photo-size")
    (name, kind, _size) = chosen(page)[0]
    assert (name, kind) == ("wide.jpg", "image/jpeg")


def wide():
    """70 megapixels in a small file: the server takes 64."""
    out = io.BytesIO()
    Image.new("L", (10_000, 7_000), 120).save(out, "PNG")
    return out.getvalue()


def test_what_could_not_be_taken_is_named_and_heic_is_left_to_the_server(sit, settings):
    settings.PHOTO_MAX_BYTES = 1024 * 1024
    page = sit()
    heic = b"\0\0\0\x18ftypheic" + b"\0" * 1000
    report(page, **{"a.heic": ("image/heic", heic), "riesig.heic": ("image/heic", heic + b"\0" * 1_200_000)})
    page.wait_for_selector(".photo-faults li")
    assert [row[0] for row in chosen(page)] == ["a.heic"]
    assert "riesig.heic" in page.inner_text(".photo-faults") and "1.2 MB" in page.inner_text(".photo-faults")
    page.wait_for_timeout(7000)
    assert "riesig.heic" in page.inner_text(".photo-faults")  # not a toast that is gone in seconds


def test_choosing_a_lead_takes_it_out_of_the_supports(sit, town):
    town.condition.supports.set([town.urban, town.water])
    case = town.filed()
    page = sit("dispatcher")
    page.goto(f"/work/cases/{case.number}/do/dispatch/")
    page.wait_for_selector("#id_supports-ts-control")
    assert page.locator("#id_supports").evaluate("s => [...s.selectedOptions].length") == 2
    page.locator("#id_lead + .ts-wrapper .ts-control").click()
    page.keyboard.type("城市管理")
    page.keyboard.press("Enter")
    assert page.input_value("#id_lead") == str(town.urban.pk)
    left = page.locator("#id_supports").evaluate("s => [...s.selectedOptions].map(o => o.value)")
    assert left == [str(town.water.pk)]
    assert page.locator("#id_supports + .ts-wrapper .item").count() == 1
    page.get_by_role("button", name="派遣", exact=True).click()
    page.locator(".notice-success").wait_for()
    case.refresh_from_db()
    assert case.lead == town.urban and [a.organisation for a in case.assignments.filter(role="support")] == [town.water]


def test_a_text_of_the_pack_fills_the_field_and_own_words_stay(sit, town):
    for code, text in (("not_ours", "不归本区管。"), ("done", "已经办过。")):
        Wording.objects.create(action="decline", code=code, title=text, text=text)
    district.forget()
    page = sit("intake")
    page.goto(f"/work/cases/{town.report().number}/do/decline/")
    page.select_option("#id_wording", "not_ours")
    assert page.input_value("#id_reason") == "不归本区管。"
    page.select_option("#id_wording", "done")  # nothing of one's own is there: the other text takes its place
    assert page.input_value("#id_reason") == "已经办过。"
    page.locator("#id_reason").press_sequentially("见上一件。")
    page.select_option("#id_wording", "not_ours")
    assert page.input_value("#id_reason") == "不归本区管。\n见上一件。"
    page.select_option("#id_wording", "")
    assert "见上一件。" in page.input_value("#id_reason")


def test_the_categorys_questions_come_when_it_is_chosen(sit, town):
    Attribute.objects.create(
        category=town.litter, code="lane", datatype="singlevaluelist", required=True, description="是否在车道上",
        values=[{"key": "yes", "name": "是"}, {"key": "no", "name": "否"}],
    )  # fmt: skip
    page = sit("hotline")
    page.goto("/work/report/")
    page.click("#id_category-ts-control")
    page.keyboard.type("暴露")
    page.keyboard.press("Enter")
    page.get_by_label("是", exact=True).check()
    page.fill("#id_text", "井盖坏了")
    page.fill("#id_address", "永泰街道")
    page.get_by_label("紧急").check()
    page.get_by_role("button", name="登记", exact=True).click()
    page.locator(".notice-success").wait_for()
    case = Case.objects.get()
    assert case.urgent and case.reports.get().attributes == {"lane": "yes"}


def test_the_map_names_what_lies_under_its_cross(sit, town):
    page = sit()
    page.goto("/report/")
    page.wait_for_selector("[data-map-pick][data-ready='1']", timeout=30_000)
    name = page.locator(".map-under-name")
    box = page.locator("[data-map-pick]").bounding_box()
    page.get_by_text("用网格编码或坐标").click()
    page.fill("#id_lon", "113.2045")
    page.fill("#id_lat", "40.0012")
    page.locator("#id_lat").blur()  # the map goes there
    expect(name).to_contain_text("古城街道")
    page.locator("[data-map-pick]").scroll_into_view_if_needed()
    box = page.locator("[data-map-pick]").bounding_box()
    page.mouse.move(box["x"] + 20, box["y"] + box["height"] / 2)  # some 500 m to the west, where the mouse is
    expect(name).not_to_contain_text("古城街道")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 30)
    expect(name).to_contain_text("古城街道")
    page.fill("#id_lon", "")
    page.fill("#id_lat", "")
    page.get_by_role("button", name="选十字处").click()
    assert abs(float(page.input_value("#id_lon")) - 113.2045) < 2e-4


def test_names_of_streets_do_not_lie_over_each_other(sit, town):
    """Two streets at one spot: only one name is drawn, so the map looks as it does with one of them."""

    def street(name):
        ring = [[113.19, 39.99], [113.21, 39.99], [113.21, 40.01], [113.19, 40.01], [113.19, 39.99]]
        return {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"layer": "street", "label": name},
        }

    shots = []
    for streets in ([street("永泰街道办")], [street("永泰街道办"), street("古城新区城")]):
        page = sit()
        page.route("**/cases.geojson*", lambda route: route.fulfill(json={"type": "FeatureCollection", "features": []}))
        answer = json.dumps({"type": "FeatureCollection", "features": streets})
        page.route("**/map/streets.geojson", partial(fulfil, answer))
        page.goto("/cases/?view=map")
        page.wait_for_selector("[data-map][data-ready='1']", timeout=30_000)
        page.wait_for_timeout(800)  # labels fade in
        shots.append(dark(page.locator("[data-map] canvas").first.screenshot()))
    assert shots[0] > 50 and abs(shots[1] - shots[0]) < shots[0] * 0.25, shots


def fulfil(body, route):
    route.fulfill(body=body, content_type="application/geo+json")


def dark(png):
    """How many pixels are as dark as letters."""
    image = Image.open(io.BytesIO(png)).convert("L")
    return sum(image.histogram()[:90])
