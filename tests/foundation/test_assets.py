"""The tags that pages are made of: built files, icons, lights, times, fields, paging."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django import forms
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory
from django.utils import translation

from shaodao.foundation import assets, clock
from shaodao.foundation.templatetags.shaodao import LIGHT_ICONS

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # noon in Pingcheng


def render(source: str, **context) -> str:
    return Template("{% load shaodao %}" + source).render(Context(context))


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A build with one entry that has a style sheet and one imported chunk."""
    monkeypatch.setattr(assets, "BUILD", tmp_path)
    manifest = {
        "src/main.ts": {"file": "assets/main-1.js", "css": ["assets/main-2.css"], "imports": ["_part.js"]},
        "_part.js": {"file": "assets/part-3.js", "css": ["assets/part-4.css"]},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "icons.json").write_text(json.dumps({"file": "assets/icons-5.svg", "names": ["bell", "point"]}))
    return tmp_path


def test_asset_links_styles_imports_and_script(built):
    html = render('{% asset "main" %}')
    assert re.findall(r'(?:href|src)="([^"]+)"', html) == [
        "/static/build/assets/part-4.css",
        "/static/build/assets/main-2.css",
        "/static/build/assets/part-3.js",
        "/static/build/assets/main-1.js",
    ]
    assert '<script type="module" src="/static/build/assets/main-1.js">' in html


def test_asset_reads_a_new_build_without_a_restart(built):
    render('{% asset "main" %}')
    path = built / "manifest.json"
    path.write_text(path.read_text().replace("main-1", "main-9"))
    assert "main-9.js" in render('{% asset "main" %}')


def test_asset_says_what_to_do_where_nothing_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "BUILD", tmp_path)
    html = render('{% asset "main" %}{% icon "bell" %}')
    assert "tools/assets.py build" in html
    assert 'role="alert"' in html


def test_asset_refuses_an_unknown_entry(built):
    with pytest.raises(TemplateSyntaxError, match=r"src/nothing\.ts"):
        render('{% asset "nothing" %}')


def test_icon_is_decorative_unless_labelled(built):
    assert 'href="/static/build/assets/icons-5.svg#bell"' in render('{% icon "bell" %}')
    assert 'aria-hidden="true"' in render('{% icon "bell" %}')
    assert 'role="img" aria-label="a&lt;b"' in render('{% icon "bell" label=label %}', label="a<b")
    assert "#point" in render('{% icon "no-such-icon" %}')


def test_every_icon_of_templates_and_code_is_in_the_sprite():
    listed = {line.split("#")[0].strip() for line in (ROOT / "frontend" / "icons.txt").read_text().splitlines()}
    used = {
        (name, path.relative_to(ROOT).as_posix())
        for path in (ROOT / "shaodao").rglob("templates/**/*.html")
        for name in re.findall(r"{%\s*icon \"([\w-]+)\"|\bicon=\"([\w-]+)\"", path.read_text("utf-8"))
    }
    flat = {(one or other, path) for (one, other), path in used}
    flat |= {(name, "LIGHT_ICONS") for name in LIGHT_ICONS.values()}
    assert len(flat) > 10
    assert {item for item in flat if item[0] not in listed} == set()


@pytest.mark.parametrize(
    ("light", "words", "shape"), [("green", "正常", "circle-check"), ("red", "已超期", "alert-octagon")]
)
def test_light_has_colour_shape_and_words(light, words, shape):
    with translation.override("zh-hans"):
        html = render("{% light light %}", light=light)
    assert f"light-{light}" in html
    assert words in html
    assert LIGHT_ICONS[light] == shape


def test_light_refuses_what_is_none():
    assert render("{% light light %}", light=None) == ""
    with pytest.raises(TemplateSyntaxError, match="purple"):
        render("{% light 'purple' %}")


@pytest.mark.parametrize(
    ("seconds", "chinese", "english"),
    [
        (0, "0 分钟", "0 min"),
        (59, "0 分钟", "0 min"),
        (3 * 3600 + 5 * 60, "3 小时 5 分钟", "3 h 5 min"),
        (2 * 86400 + 3 * 3600 + 59, "2 天 3 小时", "2 d 3 h"),
        (2 * 86400 + 240, "2 天", "2 d"),
        (-7200, "超 2 小时", "2 h over"),
    ],
)
def test_duration(seconds, chinese, english):
    with translation.override("zh-hans"):
        assert render("{{ s|duration }}", s=seconds) == chinese
    with translation.override("en"):
        assert render("{% duration s %}", s=seconds) == english


def test_countdown_and_ago_follow_the_one_clock():
    with clock.freeze(NOW), translation.override("zh-hans"):
        assert ">剩 1 小时 30 分钟</time>" in render("{% countdown t %}", t=NOW + timedelta(hours=1.5))
        late = render("{% countdown t %}", t=NOW - timedelta(days=1))
        assert 'class="is-over"' in late
        assert "截止 2026-11-22 12:00" in late
        assert render("{% countdown t light='paused' %}", t=NOW) == ""
        assert ">剩不到 1 分钟</time>" in render("{% countdown t %}", t=NOW + timedelta(seconds=20))
        assert ">刚刚超期</time>" in render("{% countdown t %}", t=NOW - timedelta(seconds=20))
        assert ">5 分钟前</time>" in render("{% ago t %}", t=NOW - timedelta(minutes=5))
        assert ">2026-11-01</time>" in render("{% ago t %}", t=datetime(2026, 10, 31, 20, tzinfo=UTC))
        assert "data-relative" not in render("{% ago t %}", t=NOW - timedelta(days=8))


class Form(forms.Form):
    text = forms.CharField(label="内容", help_text="写清楚")
    kind = forms.ChoiceField(choices=[("a", "甲"), ("b", "乙")], widget=forms.RadioSelect, label="类别", required=False)


def test_field_ties_help_and_error_to_the_widget():
    html = render("{% field form.text rows=3 data_draft='x' %}", form=Form({"text": ""}))
    assert 'aria-describedby="id_text_help id_text_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_text_help"' in html
    assert 'id="id_text_error"' in html
    assert '<label class="form-label" for="id_text">' in html
    assert 'data-draft="x"' in html
    assert 'class="form-control"' in html


def test_field_of_choices_is_a_fieldset_with_its_choice_kept():
    html = render("{% field form.kind %}", form=Form({"kind": "b"}))
    assert "<legend>" in html
    assert re.search(r'value="b"[^>]* checked', html)
    assert not re.search(r'value="a"[^>]* checked', html)
    assert "form-select" not in html


def test_field_names_a_missing_field():
    with pytest.raises(TemplateSyntaxError, match="no such field"):
        render("{% field form.nothing %}", form=Form())


def test_lists_keep_the_query_string():
    request = RequestFactory().get("/", {"q": "井盖", "page": "2", "sort": "due"})
    page = Paginator(range(95), 10).get_page(2)
    html = render("{% pager page %}", request=request, page=page)
    assert 'aria-current="page">2</a>' in html
    assert "page=3" in html
    assert "q=%E4%BA%95%E7%9B%96" in html
    assert render("{% query_string page=None sort='-due' %}", request=request).endswith("sort=-due")
    header = render("{% sort_header 'due' 'Due' %}", request=request)
    assert 'aria-sort="ascending"' in header
    assert "sort=-due" in header
    assert "page=" not in header


@pytest.mark.parametrize("name", ["404.html", "403.html", "500.html", "400.html", "403_csrf.html"])
def test_error_pages_need_no_context(name):
    from django.template.loader import render_to_string

    html = render_to_string(name)
    assert html.count("<h1>") == 1
    assert " style=" not in html
    assert not re.search(r"<script(?![^>]*(src=|application/json))", html)
    assert not re.search(r"\son\w+=", html)
