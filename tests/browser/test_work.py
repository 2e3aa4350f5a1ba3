"""The loop by clicking, each post in its own browser: report, file, dispatch, sign, report in, finish, verify, close, evaluate."""

import shutil

import pytest
from django.test import Client
from PIL import Image, ImageDraw

from shaodao.cases import history
from shaodao.cases.models import Case
from shaodao.foundation.assets import BUILD

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
HERE = {"longitude": 113.2005, "latitude": 40.0006, "accuracy": 8}
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


@pytest.fixture
def browser(monkeypatch):
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def sit(browser, live_server, town, settings):
    """sit("dispatcher") → the page of somebody in that post; a script error or a breach of the content policy fails."""
    faults: list[str] = []
    contexts = []

    def sit(role, organisation=None, viewport=DESK):
        client = Client()
        client.force_login(town.person(role, organisation))
        context = browser.new_context(
            base_url=live_server.url, locale="zh-CN", viewport=viewport, geolocation=HERE, permissions=["geolocation"]
        )
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda m: faults.append(m.text) if "Content Security Policy" in m.text else None)
        return page

    yield sit
    for context in contexts:
        context.close()
    assert faults == []


def picture(path, colour="green"):
    image = Image.new("RGB", (640, 480), colour)
    ImageDraw.Draw(image).ellipse([200, 120, 440, 360], fill="white")
    image.save(path)
    return path


def first_row(page, inbox):
    """Open the first case of an inbox with the keyboard, as somebody does who has many to do."""
    page.goto(f"/work/{inbox}/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/work/cases/**")


def press_next(page, label):
    """The one primary button of the case page."""
    button = page.locator(".btn-next")
    assert button.inner_text() == label
    button.click()
    page.locator(".notice-success").wait_for()


def test_the_loop_by_clicking(town, sit, tmp_path):
    # 12345 takes a call
    hotline = sit("hotline")
    hotline.goto("/work/report/")
    hotline.fill("#id_text", "路边有一堆垃圾，三天没人管")
    hotline.click("#id_category-ts-control")
    hotline.keyboard.type("暴露")
    hotline.keyboard.press("Enter")
    hotline.fill("#id_phone", "13812345678")
    hotline.fill("#id_lon", "113.2005")
    hotline.fill("#id_lat", "40.0005")
    hotline.set_input_files("#id_photos", picture(tmp_path / "before.jpg"))
    hotline.get_by_role("button", name="登记", exact=True).click()
    hotline.locator(".notice-success").wait_for()
    case = Case.objects.get()
    assert (case.state, case.category, case.photos.count()) == ("received", town.litter, 1)
    assert "138****5678" in hotline.content() and "13812345678" not in hotline.content()

    duty = sit("duty_leader")
    first_row(duty, "intake")
    press_next(duty, "立案")

    dispatcher = sit("dispatcher")
    first_row(dispatcher, "dispatch")
    assert dispatcher.locator("#id_lead").input_value() == str(town.sanitation.pk)  # the catalogue's lead, filled in
    press_next(dispatcher, "派遣")

    # the department is out with a phone
    crew = sit("department", viewport=PHONE)
    crew.goto("/work/sign/")
    crew.locator(".case-link").first.click()
    press_next(crew, "签收")
    crew.get_by_role("button", name="使用我的位置").click()
    crew.locator("#toasts .notice").wait_for()
    assert crew.locator("#id_position").input_value().startswith("113.2005")
    press_next(crew, "报到")
    assert case.assignments.get().arrived_distance_m == pytest.approx(11, abs=1)
    crew.fill("#id_result", "已清运")
    crew.set_input_files("#id_photos", picture(tmp_path / "after.jpg", "blue"))
    press_next(crew, "办结交回")

    inspector = sit("inspector", viewport=PHONE)
    inspector.goto("/work/verify/")
    inspector.locator(".case-link").first.click()
    inspector.get_by_text("合格，已解决").click()
    press_next(inspector, "核查")

    first_row(duty, "close")
    press_next(duty, "结案")

    street = sit("street")
    first_row(street, "evaluate")
    assert street.locator(".action-card .number").count() >= 3  # the numbers stand beside the rating
    street.locator("#id_efficiency").get_by_text("5 很好").click()
    street.locator("#id_effect").get_by_text("4 较好").click()
    press_next(street, "评价部门")

    case.refresh_from_db()
    rating = case.evaluations.get()
    assert (case.state, case.outcome, rating.efficiency, rating.effect) == ("closed", "fixed", 5, 4)
    assert case.photos.filter(purpose="after").count() == 1
    assert history.verify()["broken"] == []


def test_two_at_one_case_the_second_sees_what_changed(town, sit):
    case = town.filed()
    first, second = sit("dispatcher"), sit("dispatcher", viewport=PHONE)
    for page in (first, second):
        page.goto(f"/work/cases/{case.number}/")
    press_next(first, "派遣")
    second.locator(".btn-next").click()
    second.get_by_role("heading", name="案件刚刚有变化").wait_for()
    assert "派遣" in second.locator(".timeline-plain").inner_text()
    assert case.assignments.count() == 1


def test_bulk_dispatch_with_the_keyboard(town, sit):
    for n in range(3):
        town.filed(text=f"第 {n} 件", lon=113.2005 + 0.001 * n)
    page = sit("dispatcher")
    page.goto("/work/dispatch/")
    bar = page.locator("[data-bulk-bar]")
    assert not bar.is_visible()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    assert "已选 2 项" in bar.inner_text()
    page.click("#bulk-lead-ts-control")
    page.keyboard.type("环卫")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="批量派遣").click()
    page.get_by_role("heading", name="批量派遣的结果").wait_for()
    assert Case.objects.filter(state="handling", lead=town.sanitation).count() == 2


def test_the_condition_follows_the_category_and_faces_are_covered(town, sit, tmp_path):
    intake = sit("intake")
    case = town.report(category=None)
    intake.goto(f"/work/cases/{case.number}/")
    intake.click("#id_category-ts-control")
    intake.keyboard.type("供水")
    intake.keyboard.press("Enter")
    intake.locator("#id_condition option", has_text="喷水").wait_for(state="attached")
    assert (
        intake.input_value("#id_condition") == ""
    )  # nobody chose one: the catalogue's first, not the last in the list
    intake.select_option("#id_condition", label="喷水 · 8 紧急工作时")
    press_next(intake, "归类")
    case.refresh_from_db()
    assert case.condition == town.staged

    hotline = sit("hotline")
    hotline.goto("/work/report/")
    hotline.fill("#id_text", "有照片")
    hotline.fill("#id_cell", "140213050001002")
    hotline.set_input_files("#id_photos", picture(tmp_path / "face.jpg"))
    hotline.get_by_role("button", name="登记", exact=True).click()
    hotline.locator(".notice-success").wait_for()
    shown = Case.objects.order_by("-pk").first()
    upload = shown.photos.get().upload
    intake.goto(f"/work/cases/{shown.number}/do/publish/")
    frame = intake.locator(".redact-stage").bounding_box()
    intake.mouse.move(frame["x"] + frame["width"] * 0.3, frame["y"] + frame["height"] * 0.25)
    intake.mouse.down()
    intake.mouse.move(frame["x"] + frame["width"] * 0.7, frame["y"] + frame["height"] * 0.75, steps=4)
    intake.mouse.up()
    assert intake.locator(".redact-box").count() == 1
    intake.get_by_text("向公众公开").click()
    intake.get_by_text("上报照片").click()
    intake.get_by_role("button", name="保存").click()
    intake.locator(".notice-success").wait_for()
    upload.refresh_from_db()
    with Image.open(upload.public) as copy:
        middle = copy.convert("RGB").getpixel((copy.width // 2, copy.height // 2))
    assert max(middle) < 30 and shown.photos.get().published  # black where the face was


def test_no_page_is_wider_than_a_phone(town, sit):
    case = town.closed(text="无空格的很长很长的文字" * 20)
    for role in ("duty_leader", "street", "department"):
        page = sit(role, viewport=PHONE)
        for path in ("/work/", "/work/all/", "/work/notices/", f"/work/cases/{case.number}/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, (role, path)


def test_a_place_from_words_is_corrected_on_the_map(town, sit):
    case = town.report(lon=None, lat=None, address="永泰街道")
    page = sit("intake")
    page.goto(f"/work/cases/{case.number}/do/locate/")
    page.locator('[data-map-pick][data-ready="1"]').wait_for()
    page.locator(".map-locate").click()  # where the device is
    page.locator(".map-pin").wait_for()
    assert page.locator("#id_position").input_value() == "113.200500,40.000600"
    page.locator(".map-pin").focus()
    page.keyboard.press("Shift+ArrowUp")  # 50 m north
    assert page.locator("#id_position").input_value() == "113.200500,40.001049"
    page.get_by_role("button", name="定位").click()
    page.locator(".notice-success").wait_for()
    case.refresh_from_db()
    assert case.cell_id == "140213050001003" and not case.place_guessed
