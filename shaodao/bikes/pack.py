"""This room's part of a pack: the checklist of papers; with --demo, illustrative operators and their accounts."""

from collections.abc import Iterator
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils.translation import gettext as _

from shaodao.bikes.bays import pack as baypack
from shaodao.bikes.findings.words import Rule
from shaodao.bikes.models import ChecklistItem
from shaodao.catalogue.tables import CATEGORIES, CONDITIONS, SCHEMES
from shaodao.foundation import clock
from shaodao.foundation.pack import SETTINGS_FILE, Pack, Part, register
from shaodao.foundation.sync import retire, sync
from shaodao.foundation.tables import Column, Problem, TableSpec, boolean, choice, integer, number, text
from shaodao.organisations.models import ENTERED, Organisation, Person, Post
from shaodao.organisations.pack import ACCOUNTS, ORGANISATIONS, _word

CHECKLIST = TableSpec(
    "bikes/checklist.csv",
    (
        Column("code", _word),
        Column("name", text(100)),
        Column("name_en", text(150), required=False),
        Column("required", boolean, required=False, default=True),
        Column("what", text(300)),
        Column("what_en", text(300), required=False),
        Column("source", text(300), required=False),
    ),
    key=("code",),
    required=False,
)
OUTCOMES = ("admitted", "warned", "asked")  # how far bikes/demo.py plays an operator
OPERATORS = TableSpec(
    "bikes/operators.csv",
    (
        Column("code", _word),
        Column("name", text(100)),
        Column("name_en", text(150), required=False),
        Column("username", _word),
        Column("person", text(60)),
        Column("person_en", text(100), required=False),
        Column("requested_quota", integer(1, 10_000_000)),
        Column("fleet", integer(0, 10_000_000)),
        Column("staff", integer(0, 100_000)),
        Column("vans", integer(0, 100_000)),
        Column("intact_percent", number(least=0)),
        Column("quota", integer(0, 10_000_000), required=False, default=0),
        Column("outcome", choice(OUTCOMES)),
        Column("source", text(300), required=False),
    ),
    key=("code",),
    required=False,
)


def check(pack: Pack) -> list[Problem]:
    pack.table(CHECKLIST)
    operators = pack.table(OPERATORS)
    known = {row["code"]: row for row in pack.table(ORGANISATIONS)}
    taken = {row["username"] for row in pack.table(ACCOUNTS)}
    problems = []
    for row in operators:
        if row["code"] in known:
            what = _("这个编码已是“%(name)s”") % {"name": known[row["code"]]["name"]}
            problems.append(row.problem("code", what, _("示例企业用自己的编码")))
        if row["username"] in taken:
            problems.append(row.problem("username", _("账号重复：%(u)s") % {"u": row["username"]}, _("换一个账号")))
        taken.add(row["username"])
    return problems + _check_settings(pack, known, operators) + baypack.check(pack)


def _check_settings(pack: Pack, known: dict[str, Any], operators: list[Any]) -> list[Problem]:
    """The department must be one; what the demonstration admits must fit under the ceiling."""
    block = (pack.settings_file(SETTINGS_FILE).get("settings") or {}) if pack.settings_file(SETTINGS_FILE) else {}
    bikes = block.get("bikes") if isinstance(block, dict) else None
    if not isinstance(bikes, dict):
        bikes = {}
    problems = []
    code = str(bikes.get("department") or "")
    if code and (code not in known or known[code]["kind"] != Organisation.Kind.DEPARTMENT):
        what, hint = _("没有编码为“%(p)s”的部门") % {"p": code}, _("要是 %(f)s 里的编码") % {"f": ORGANISATIONS.file}
        problems.append(Problem(SETTINGS_FILE, 0, "settings.bikes.department", what, hint))
    problems += _check_findings(pack, bikes.get("findings"))
    ceiling, total = bikes.get("fleet_ceiling", 0), 0
    for row in operators:
        total += row["quota"] if row["outcome"] != "asked" else 0
        if isinstance(ceiling, int) and total > ceiling:
            what = _("配额之和 %(n)d 超过全区上限 %(c)d") % {"n": total, "c": ceiling}
            problems.append(row.problem("quota", what, _("改小配额，或改 settings.bikes.fleet_ceiling")))
            break
    return problems


def _check_findings(pack: Pack, block: Any) -> Iterator[Problem]:
    """A rule files under a category and condition of the active catalogue, or under none."""
    active = {row["scheme"] for row in pack.table(SCHEMES) if row["active"]}
    known = {f"{row['kind']}-{row['code']}" for row in pack.table(CATEGORIES) if row["scheme"] in active}
    conditions = {(f"{r['kind']}-{r['code']}", r["seq"]) for r in pack.table(CONDITIONS) if r["scheme"] in active}
    for name in Rule.values:
        rule = block.get(name) if isinstance(block, dict) else None
        key = rule.get("category") if isinstance(rule, dict) else None
        if not isinstance(rule, dict) or not key:
            continue
        where = f"settings.bikes.findings.{name}"
        if key not in known:
            what, hint = _("启用的目录里没有类别 %(k)s") % {"k": key}, _("写作 event-0493 或 component-0225")
            yield Problem(SETTINGS_FILE, 0, f"{where}.category", what, hint)
        elif (key, rule.get("condition", 1)) not in conditions and any(k == key for k, _seq in conditions):
            what = _("类别 %(k)s 没有第 %(n)s 条立案条件") % {"k": key, "n": rule.get("condition", 1)}
            yield Problem(
                SETTINGS_FILE, 0, f"{where}.condition", what, _("要是 %(f)s 里的序号") % {"f": CONDITIONS.file}
            )


def counts(pack: Pack) -> dict[str, int]:
    found = {"bike_checklist": len(pack.table(CHECKLIST)), "demo_operators": len(pack.table(OPERATORS))}
    return found | baypack.counts(pack)


def load(pack: Pack) -> None:
    rows = [{**row, "order": n, "active": True} for n, row in enumerate(pack.table(CHECKLIST), 1)]
    retire(sync(ChecklistItem, rows, ("code",)).gone)
    baypack.load(pack)
    if pack.demo:
        _load_companies(pack)


def _load_companies(pack: Pack) -> None:
    """The organisations and accounts of the illustrative operators; what they then do is played by bikes/demo.py.

    They share the password of the other sample accounts. A real person or organisation with such a name is left alone.
    """
    real = set(Person.objects.filter(sample=False).values_list("username", flat=True))
    foreign = set(Organisation.objects.exclude(kind=Organisation.Kind.OPERATOR).values_list("code", flat=True))
    table = [r for r in pack.table(OPERATORS) if r["username"] not in real and r["code"] not in foreign]
    companies = [
        {
            "code": row["code"],
            "name": row["name"],
            "name_en": row["name_en"],
            "kind": Organisation.Kind.OPERATOR,
            "illustrative": True,
            "active": True,
            "source": ENTERED,
        }
        for row in table
    ]
    codes = [row["code"] for row in table]
    units = sync(Organisation, companies, ("code",), within=Organisation.objects.filter(code__in=codes))
    names = [row["username"] for row in table]
    there = set(Person.objects.filter(username__in=names).values_list("username", flat=True))
    shared = Person.objects.filter(sample=True).exclude(username__in=names).values_list("password", flat=True).first()
    people = []
    for row in table:
        fresh: dict[str, Any] = {"username": row["username"], "name": row["person"], "name_en": row["person_en"]}
        fresh |= {"sample": True, "is_active": True}
        if shared and pack.demo_password:
            fresh["password"] = shared
        elif row["username"] not in there:
            fresh["password"] = make_password(pack.demo_password)
        if row["username"] not in there:
            fresh["date_joined"] = clock.now()
        people.append(fresh)
    persons = sync(Person, people, ("username",), within=Person.objects.filter(username__in=names))
    posts = [
        {
            "person_id": persons.ids[(row["username"],)],
            "role": Post.Role.OPERATOR,
            "organisation_id": units.ids[(row["code"],)],
            "active": True,
        }
        for row in table
    ]
    mine = Post.objects.filter(person__username__in=names)
    sync(Post, posts, ("person_id", "role", "organisation_id"), within=mine, reason="pack load")


register(Part("bikes", 50, check, counts, load))
