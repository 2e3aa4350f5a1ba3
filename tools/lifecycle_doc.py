"""docs/lifecycle.md, written from the one table of transitions (shaodao/cases/lifecycle.py) and its guards.

    python tools/lifecycle_doc.py            # write docs/lifecycle.md
    python tools/lifecycle_doc.py --check    # change nothing; exit 1 if the file is not what the table says

English labels come from the apps' translations (`shaodao/*/locale/en`), read as .po, so nothing has to be compiled.
"""

import argparse
import ast
import inspect
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "lifecycle.md"
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")

import django  # noqa: E402

django.setup()

from django.utils import translation  # noqa: E402

from shaodao.cases import guards, lifecycle  # noqa: E402
from shaodao.cases.lifecycle import PUBLIC, SYSTEM, TRANSITIONS, Transition  # noqa: E402
from shaodao.cases.words import OPEN_STATES, AppealGround, AssignmentState, CaseState, ClockKind, Light  # noqa: E402
from shaodao.organisations.models import Post  # noqa: E402

SCOPES = {
    "anywhere": "the whole district",
    "territory": "own street or community; posts of the headquarters and inspectors: the whole district",
    "assignee": "the assignment of one's own organisation",
    "involved": "own street or community, or a case of one's own organisation",
}
KINDS = {
    "text": "short text",
    "longtext": "text",
    "bool": "yes or no",
    "rating": "1 to 5",
    "organisation": "an organisation",
    "organisations": "organisations",
    "category": "a category",
    "condition": "a filing condition",
    "whistle_kind": "a kind of whistle",
    "datetime": "date and time",
    "position": "longitude, latitude",
    "place": "a street, community or village",
    "case": "a case number",
    "report": "a report of this case",
    "stage": "a stage",
    "photos": "photos",
    "wording": "a text of the pack",
    "grounds": "what is contested, one or several of " + ", ".join(AppealGround.values),
}
INTRO = """\
# The life cycle of a case

<!-- Written by tools/lifecycle_doc.py from shaodao/cases/lifecycle.py. Do not edit: change the table, then run the tool. -->

Every movement of a case is one of the {count} actions below. Pages, API, command line and clock all go through
`perform(action, case, actor, …)` in `shaodao/cases/actions/step.py`, which in one transaction locks the case, checks post,
scope, state, guard and input, changes the rows, appends one event to the case's hash chain, and writes to the outbox. An action that is
not possible answers with the reason, in the words listed here; a page shows them beside the greyed button.
"""


def english() -> dict[tuple[str, str], str]:
    """(Chinese, context) to English over all apps; fuzzy entries do not count."""
    words: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "shaodao").glob("*/locale/en/LC_MESSAGES/django.po")):
        for entry in polib.pofile(str(path)):
            if entry.msgstr and not entry.fuzzy:
                words.setdefault((entry.msgid, entry.msgctxt or ""), entry.msgstr)
    return words


class Page:
    """The page's lines, with labels in both languages."""

    def __init__(self) -> None:
        self.english = english()
        self.lines: list[str] = []

    def both(self, text: object, context: str = "") -> str:
        """`中文 / English`, or what there is; the English that belongs to the context, if it has its own."""
        zh = self.zh(text)
        en = self.english.get((zh, context)) or self.english.get((zh, ""), "")
        return f"{zh} / {en}" if en and en != zh else zh

    @staticmethod
    def zh(text: object) -> str:
        with translation.override("zh-hans"):
            return str(text).replace("|", "\\|")

    def add(self, *lines: str) -> None:
        self.lines += lines

    def table(self, head: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        head = list(head)
        self.add("", "| " + " | ".join(head) + " |", "|" + "---|" * len(head))
        self.add(*("| " + " | ".join(row) + " |" for row in rows), "")

    def role(self, role: str) -> str:
        special = {PUBLIC: "the public (no account)", SYSTEM: "the clock (`shaodao tick`)"}
        return special.get(role) or self.both(Post.Role(role).label)

    def roles(self, t: Transition) -> list[str]:
        order = [PUBLIC, *Post.Role.values, SYSTEM]
        if t.roles >= {*Post.Role.values, PUBLIC} - {Post.Role.ADMIN}:
            return ["everybody, the public too"]
        return [self.role(r) for r in sorted(t.roles, key=order.index)]


def states(codes: Iterable[str]) -> str:
    """State codes, with `open` for all open states."""
    codes = [str(c) for c in codes]
    if set(codes) == {str(s) for s in CaseState}:
        return "any"
    if set(codes) == {str(s) for s in OPEN_STATES}:
        return "any open"
    return ", ".join(f"`{c}`" for c in codes)


def targets(t: Transition) -> str:
    ways = [f"`{t.target}`" if t.target else "stays"] + [f"`{s}`" for s, _when in t.also]
    return " or ".join(dict.fromkeys(ways))


def reasons(guard: object) -> list[str]:
    """Every answer that a guard can give, with those of the guards it asks: the texts inside `_("…")`."""
    seen: set[str] = set()
    found: list[str] = []

    def walk(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for node in ast.walk(ast.parse(inspect.getsource(getattr(guards, name)))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id == "_" and isinstance(node.args[0], ast.Constant):
                    found.append(str(node.args[0].value))
                elif inspect.isfunction(getattr(guards, node.func.id, None)):
                    walk(node.func.id)

    walk(guard.__name__)  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))


def diagram() -> list[str]:
    """Mermaid: one arrow for each pair of states, labelled with the actions that lead along it."""
    arrows: dict[tuple[str, str], list[str]] = {("[*]", "received"): ["report"]}
    for t in TRANSITIONS:
        for source in map(str, t.sources):
            for target in dict.fromkeys([str(t.target), *(str(s) for s, _when in t.also)]):
                if target and target != source:
                    arrows.setdefault((source, target), []).append(t.action)
    lines = ["```mermaid", "stateDiagram-v2", "    direction LR"]
    lines += [f"    {s.value} : {s.value} {Page.zh(s.label)}" for s in CaseState]
    lines += [f"    {a} --> {b} : {', '.join(names)}" for (a, b), names in arrows.items()]
    return [*lines, *(f"    {s} --> [*]" for s in ("declined", "voided")), "```"]


def overview(p: Page) -> None:
    p.add("## States", "", *diagram(), "")
    p.add(
        "An action that leaves the state as it is does not appear in the diagram. A closed case stays under watch; a rebound reopens it."
    )
    p.table(
        ["state", "中文 / English", "open"],
        ([f"`{s.value}`", p.both(s.label), "yes" if s in OPEN_STATES else ""] for s in CaseState),
    )
    p.add("An assignment (one organisation's part of a case) has states of its own:")
    p.table(["state", "中文 / English"], ([f"`{s.value}`", p.both(s.label)] for s in AssignmentState))
    p.add("Clocks that run on a case or an assignment, each stored with the inputs of its deadline:")
    p.table(["clock", "中文 / English"], ([f"`{k.value}`", p.both(k.label)] for k in ClockKind))
    lights = ", ".join(f"`{x.value}` {p.both(x.label)}" for x in Light)
    p.add(f"Lights are derived on read and stored nowhere: {lights}.", "")


def summary(p: Page) -> None:
    p.add("## All actions")
    p.table(
        ["action", "中文 / English", "who", "from", "to", "on"],
        (
            [
                f"[`{t.action}`](#{t.action})",
                p.both(t.label, "action"),
                "<br>".join(p.roles(t)),
                states(t.sources),
                targets(t),
                t.on + (f" in {states(t.on_states)}" if t.on_states else ""),
            ]
            for t in TRANSITIONS
        ),
    )


def detail(p: Page, t: Transition) -> None:
    p.add(f"### {t.action}", "", f"**{p.both(t.label, 'action')}** — {p.both(t.why)}", "")
    p.add(f"- Where: {SCOPES[t.scope]}.")
    for state, when in t.also:
        p.add(f"- Leads to `{state}` when: {p.both(when)}.")
    needed = [field_line(p, f) for f in t.fields if f.required]
    if t.reason == "required":
        needed.append("`reason`: written reason")
    optional = [field_line(p, f) for f in t.fields if not f.required]
    if t.reason == "optional":
        optional.append("`reason`: written reason")
    for label, lines in (("Required", needed), ("Optional", optional)):
        if lines:
            p.add(f"- {label}: {'; '.join(lines)}.")
    if t.guard and (answers := reasons(t.guard)):
        p.add("- Refused with:", *(f"  - {p.both(a)}" for a in answers))
    p.add("")


def field_line(p: Page, field: lifecycle.Field) -> str:
    return f"`{field.name}` {p.both(field.label)} ({KINDS[field.kind]})"


def render() -> str:
    """The whole page as Markdown."""
    p = Page()
    p.add(INTRO.format(count=len(TRANSITIONS)))
    overview(p)
    summary(p)
    p.add(
        "## Each action",
        "",
        "Besides the reasons listed, every action refuses who has no fitting post, who is out of scope, and a case or part in "
        "another state; each with its own words.",
        "",
    )
    for t in TRANSITIONS:
        detail(p, t)
    return "\n".join(p.lines).rstrip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    """0 when the page is (now) what the table says, 1 when --check finds that it is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the page is out of date")
    options = parser.parse_args(arguments)
    wanted = render()
    if options.check:
        if PAGE.exists() and PAGE.read_text("utf-8") == wanted:
            return 0
        print("docs/lifecycle.md is out of date: run python tools/lifecycle_doc.py", file=sys.stderr)
        return 1
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(wanted, "utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(TRANSITIONS)} actions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
