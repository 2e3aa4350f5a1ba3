"""Both languages are whole: every string of code and templates is marked, and every marked one has its English."""

import importlib.util
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def messages():
    spec = importlib.util.spec_from_file_location("messages_tool", ROOT / "tools" / "messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_string_is_marked_and_translated(messages):
    left = messages.problems()
    assert not left, f"{len(left)} strings (tools/messages.py lists them):\n" + "\n".join(map(str, left[:40]))


def test_finds_strings_of_code_and_templates(messages, tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        'from django.utils.translation import gettext_lazy as later\nlater("戊")\n_("甲")\nngettext("一个", "%(n)d 个", n)\npgettext("名词", "结案")\nother("不算")\n',
        "utf-8",
    )
    assert set(messages.in_python(code)) == {
        messages.Message("甲"),
        messages.Message("戊"),
        messages.Message("一个", "%(n)d 个"),
        messages.Message("结案", "", "名词"),
    }
    page = tmp_path / "page.html"
    page.write_text(
        '{% translate "乙" %}{% blocktranslate with a=b %}丙 {{ a }}{% endblocktranslate %}'
        '{% icon "x" label=_("丁") %}{% translate "结案" context "动词" %}',
        "utf-8",
    )
    assert set(messages.in_template(page)) == {
        messages.Message("乙"),
        messages.Message("丙 %(a)s"),
        messages.Message("丁"),
        messages.Message("结案", "", "动词"),
    }


def test_update_keeps_translations_and_check_names_what_is_left(messages, tmp_path, monkeypatch):
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    po = tmp_path / "django.po"
    first = {messages.Message("旧"): {"a.py"}, messages.Message("{n} 件"): {"a.py"}}
    messages.update(po, first)
    catalogue = polib.pofile(str(po))
    catalogue.find("旧").msgstr = "Old"
    catalogue.find("{n} 件").msgstr = "{m} cases"
    catalogue.save()
    second = {messages.Message("新"): {"a.py"}, **first}
    messages.update(po, second)
    what = {problem.text: problem.what for problem in messages.problems_of(po, second)}
    assert what == {"新": "untranslated", "{n} 件": "placeholders differ ({m}, {n})"}

    messages.update(po, {messages.Message("新"): {"a.py"}})
    assert {entry.msgid: entry.msgstr for entry in polib.pofile(str(po)).obsolete_entries()}["旧"] == "Old"
    messages.update(po, first)
    assert polib.pofile(str(po)).find("旧").msgstr == "Old"


def test_bare_chinese_in_a_template_is_found(messages, tmp_path, monkeypatch):
    folder = tmp_path / "app" / "templates"
    folder.mkdir(parents=True)
    page = '{# 注释 #}{% translate "好" %}{% blocktranslate %}好{% endblocktranslate %}{% icon "x" label=_("好") %}\n{}'
    (folder / "a.html").write_text(page.replace("{}", "<p>OK</p>"), "utf-8")
    (folder / "b.html").write_text(page.replace("{}", "<p>不好</p>"), "utf-8")
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "PACKAGE", tmp_path)
    assert [(problem.file, problem.text) for problem in messages.unmarked()] == [
        ("app/templates/b.html", "<p>不好</p>")
    ]


def test_compiled_catalogue_says_what_the_source_says(messages, tmp_path):
    source = ROOT / "shaodao" / "foundation" / "locale" / "en" / "LC_MESSAGES" / "django.po"
    target = tmp_path / "django.mo"
    polib.pofile(str(source)).save_as_mofile(str(target))
    assert polib.mofile(str(target)).find("已超期").msgstr == "Overdue"
