"""Translations: the source is Chinese, English lives in each app's `locale/en/LC_MESSAGES/django.po`.

    python tools/messages.py             # update the .po files from code and templates, list what is untranslated
    python tools/messages.py check       # change nothing; exit 1 if a string is missing, untranslated or doubtful
    python tools/messages.py compile     # write the .mo files (needs polib only, no gettext programs)

Strings outside the apps (`config/`, `cli.py`) belong to the foundation's catalogue.
"""

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import polib

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "shaodao"
LANGUAGE = "en"
KEYWORDS: dict[str, tuple | None] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), ((1, "c"), 2, 3)),
}
CJK = re.compile(r"[\u3400-\u9fff]")
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sd]|\{\w*\}")
STRING = r"""(?:u?'(?:[^'\\]|\\.)*'|u?"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"(?<!\w)(_|n?p?gettext)\(\s*({STRING}(?:\s*,\s*{STRING})*)", re.DOTALL)
# What a template may say in Chinese: only inside these.
TRANSLATED = re.compile(
    r"{%\s*(?:blocktranslate|blocktrans)\b.*?{%\s*end(?:blocktranslate|blocktrans)\s*%}"
    r"|{%\s*comment\b.*?{%\s*endcomment\s*%}|{#.*?#}|{%\s*trans(?:late)?\s.*?%}|_\((?:'[^']*'|\"[^\"]*\")\)",
    re.DOTALL,
)


class Message(NamedTuple):
    """One string to translate; `plural` and `context` may be empty."""

    text: str
    plural: str = ""
    context: str = ""


class Problem(NamedTuple):
    """Where, what, which string."""

    file: str
    what: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}: {self.text}"


# Finding strings


def in_python(source: Path) -> Iterator[Message]:
    """The marked strings of a Python file."""
    from babel.messages.extract import extract

    keywords = KEYWORDS | aliases(source.read_text("utf-8"))
    with source.open("rb") as file:
        for _line, found, _comments, context in extract("python", file, keywords, options={"encoding": "utf-8"}):
            yield _message([found] if isinstance(found, str) else list(found), context)


def aliases(code: str) -> dict[str, tuple | None]:
    """Other names that a file gives to gettext's functions: `from django.utils.translation import gettext as _`."""
    return {
        name.asname: KEYWORDS[name.name]
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"
        for name in node.names
        if name.asname and name.name in KEYWORDS
    }


def in_template(source: Path) -> Iterator[Message]:
    """The marked strings of a Django template."""
    import django
    from django.conf import settings
    from django.utils.translation.template import templatize

    if not settings.configured:
        settings.configure(USE_I18N=True, TEMPLATES=[])
        django.setup()
    for name, arguments in CALL.findall(templatize(source.read_text("utf-8"), origin=str(source))):
        strings = [ast.literal_eval(text) for text in re.findall(STRING, arguments, re.DOTALL)]
        context = strings.pop(0) if "p" in name else None
        yield _message(strings if "n" in name.replace("gettext", "") else strings[:1], context)


def _message(strings: list[str], context: str | None) -> Message:
    return Message(strings[0], strings[1] if len(strings) > 1 else "", context or "")


def catalogue_of(source: Path) -> Path:
    """The .po file that a source file's strings belong to."""
    top = source.relative_to(PACKAGE).parts[0]
    app = top if (PACKAGE / top / "apps.py").exists() else "foundation"
    return PACKAGE / app / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def find_all() -> dict[Path, dict[Message, set[str]]]:
    """Every marked string by catalogue, with the files that use it."""
    found: dict[Path, dict[Message, set[str]]] = {}
    for source, read in [
        *((path, in_python) for path in sorted(PACKAGE.rglob("*.py"))),
        *((path, in_template) for path in sorted(PACKAGE.rglob("templates/**/*.*"))),
    ]:
        if not source.is_file() or "migrations" in source.parts:
            continue
        for message in read(source):
            if message.text:
                strings = found.setdefault(catalogue_of(source), {})
                strings.setdefault(message, set()).add(source.relative_to(ROOT).as_posix())
    return found


# Catalogues


def _open(path: Path) -> polib.POFile:
    catalogue = polib.pofile(str(path), wrapwidth=0) if path.exists() else polib.POFile(wrapwidth=0)
    catalogue.metadata = {
        "Project-Id-Version": "shaodao",
        "Language": LANGUAGE,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return catalogue


def _key(entry: polib.POEntry) -> tuple[str, str]:
    return entry.msgid, entry.msgctxt or ""


def known_words() -> dict[tuple[str, str], str]:
    """English that all catalogues agree on, so that one Chinese word starts with one English word everywhere."""
    words: dict[tuple[str, str], set[str]] = {}
    for path in PACKAGE.glob(f"*/locale/{LANGUAGE}/LC_MESSAGES/django.po"):
        for entry in polib.pofile(str(path)):
            if entry.msgstr and not entry.fuzzy and not entry.obsolete:
                words.setdefault(_key(entry), set()).add(entry.msgstr)
    return {key: next(iter(texts)) for key, texts in words.items() if len(texts) == 1}


def update(path: Path, wanted: dict[Message, set[str]], words: dict[tuple[str, str], str] | None = None) -> None:
    """Bring one catalogue in line with the sources; translations are kept, also of strings no longer used (`#~`).

    `words` fills in what another catalogue has translated already.
    """
    catalogue = _open(path)
    old = {_key(entry): entry for entry in catalogue}
    fresh = polib.POFile(wrapwidth=0)
    fresh.metadata = catalogue.metadata
    for message in sorted(wanted, key=lambda m: (min(wanted[m]), m)):
        entry = old.get((message.text, message.context)) or polib.POEntry(
            msgid=message.text, msgctxt=message.context or None
        )
        entry.obsolete = False
        entry.occurrences = [(file, "") for file in sorted(wanted[message])]
        if not message.plural and not entry.msgstr:
            entry.msgstr = (words or {}).get(_key(entry), "")
        if message.plural:
            entry.msgid_plural = message.plural
            entry.msgstr_plural = entry.msgstr_plural or {0: "", 1: ""}
        entry.flags = [flag for flag in entry.flags if flag != "python-format"]
        if re.search(r"%(\(\w+\))?[sdf]", message.text):
            entry.flags.append("python-format")
        fresh.append(entry)
    used = {_key(entry) for entry in fresh}
    for key, entry in old.items():
        if key not in used and entry.translated():
            entry.obsolete = True  # comes back to life with its translation if the string does
            fresh.append(entry)
    text = str(fresh) + "\n"
    if not path.exists() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def problems_of(path: Path, wanted: dict[Message, set[str]]) -> Iterator[Problem]:
    """Strings of the sources that the catalogue lacks, leaves empty, doubts, or gives other placeholders."""
    have = {_key(entry): entry for entry in _open(path)} if path.exists() else {}
    where = path.relative_to(ROOT).as_posix()
    for message in wanted:
        entry = have.get((message.text, message.context))
        if entry is None or entry.obsolete:
            yield Problem(where, "missing, run tools/messages.py", message.text)
            continue
        if not entry.translated():
            yield Problem(where, "fuzzy" if entry.fuzzy else "untranslated", message.text)
            continue
        for text in entry.msgstr_plural.values() if message.plural else [entry.msgstr]:
            known = set(PLACEHOLDER.findall(message.text)) | set(PLACEHOLDER.findall(message.plural))
            strange = set(PLACEHOLDER.findall(text)) - known
            lost = set() if message.plural else known - set(PLACEHOLDER.findall(text))
            if strange or lost:
                yield Problem(where, f"placeholders differ ({', '.join(sorted(strange | lost))})", message.text)


def unmarked() -> Iterator[Problem]:
    """Chinese text of templates that no translation tag marks."""
    for source in sorted(PACKAGE.rglob("templates/**/*.*")):
        if source.is_file():
            left = TRANSLATED.sub("", source.read_text("utf-8"))
            for line in left.splitlines():
                if CJK.search(line):
                    yield Problem(source.relative_to(ROOT).as_posix(), "not marked for translation", line.strip()[:80])


def problems() -> list[Problem]:
    """All that keeps the interface from being wholly in both languages."""
    return [*(p for path, wanted in find_all().items() for p in problems_of(path, wanted)), *unmarked()]


def compile_all() -> int:
    """Write the .mo file of every catalogue that is newer than it; the number written."""
    written = 0
    for path in sorted(PACKAGE.glob("*/locale/*/LC_MESSAGES/django.po")):
        target = path.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime_ns < path.stat().st_mtime_ns:
            partial = target.with_suffix(".mo.partial")
            polib.pofile(str(path)).save_as_mofile(str(partial))
            partial.replace(target)  # a running server never sees half a file
            written += 1
    return written


def main(arguments: list[str] | None = None) -> int:
    """Command line; `check` exits 1 if anything is left to do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["update", "check", "compile"], nargs="?", default="update")
    parser.add_argument("--app", help="update only this app's catalogue")
    options = parser.parse_args(arguments)
    if options.task == "compile":
        print(f"{compile_all()} catalogues compiled")
        return 0
    if options.task == "update":
        words = known_words()
        for path, wanted in find_all().items():
            if not options.app or path.is_relative_to(PACKAGE / options.app):
                update(path, wanted, words)
        compile_all()
    left = [p for p in problems() if not options.app or f"shaodao/{options.app}/" in p.file]
    for problem in left:
        print(problem)
    print(f"{len(left)} strings need attention" if left else "every string is translated")
    return 1 if left and options.task == "check" else 0


if __name__ == "__main__":
    sys.exit(main())
