"""Organisations of a pack, and (only with --demo) the invented people of its demonstration accounts."""

import re
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.utils.translation import gettext as _

from shaodao.foundation import clock
from shaodao.foundation.pack import SETTINGS_FILE, Pack, Part, register
from shaodao.foundation.sync import retire, sync
from shaodao.foundation.tables import Bad, Column, Problem, Row, TableSpec, boolean, by_depth, choice, cycles, text
from shaodao.organisations.models import ENTERED, Organisation, Person, Post
from shaodao.organisations.rules import HELD_IN, LEVELS
from shaodao.places.models import Place
from shaodao.places.pack import PLACES

Kind, Role = Organisation.Kind, Post.Role
REASON = "pack load"


def _word(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,19}", value):
        raise Bad(_("编码“%(v)s”不对") % {"v": value}, _("用 1 至 20 个字母、数字、短横线"))
    return value


ORGANISATIONS = TableSpec(
    "organisations.csv",
    (
        Column("code", _word),
        Column("name", text(100)),
        Column("name_en", text(150), required=False),
        Column("kind", choice(Kind.values)),
        Column("parent", text(20), required=False),
        Column("place", text(20), required=False),
        Column("illustrative", boolean, required=False, default=False),
        Column("source", text(300), required=False),
    ),
    key=("code",),
)
ACCOUNTS = TableSpec(
    "demo/accounts.csv",
    (
        Column("username", _word),
        Column("name", text(60)),
        Column("name_en", text(100), required=False),
        Column("role", choice(Role.values)),
        Column("organisation", text(20)),
        Column("place", text(20), required=False),
    ),
    key=("username", "role", "organisation"),
    required=False,
)


def check(pack: Pack) -> list[Problem]:
    rows = pack.table(ORGANISATIONS)
    known = {row["code"]: row for row in rows}
    places = {row["code"]: row for row in pack.table(PLACES)}
    problems = [p for row in rows for p in _check_organisation(row, known, places)]
    problems += [r.problem("parent", _("上级绕成了圈"), _("改正上级编码")) for r in cycles(rows, "code", "parent")]
    if rows and not any(row["kind"] == Kind.HEADQUARTERS for row in rows):
        problems.append(rows[0].problem("kind", _("没有总指挥部办公室"), _("要有一行的 kind 为 headquarters")))
    problems += _check_second_factor(pack)
    return problems + [p for row in pack.table(ACCOUNTS) for p in _check_account(row, known, places)]


def _check_organisation(row: Row, known: dict[str, Row], places: dict[str, Row]) -> list[Problem]:
    problems = []
    if row["parent"] and row["parent"] not in known:
        what = _("没有编码为“%(p)s”的单位") % {"p": row["parent"]}
        problems.append(row.problem("parent", what, _("上级要在本表中")))
    levels = LEVELS.get(row["kind"])
    place = places.get(row["place"])
    if row["place"] and place is None:
        what = _("没有编码为“%(c)s”的地方") % {"c": row["place"]}
        problems.append(row.problem("place", what, _("要是 %(f)s 里的编码") % {"f": PLACES.file}))
    elif levels and (place is None or place["level"] not in levels):
        hint = _("级别应为 %(l)s") % {"l": "/".join(sorted(levels))}
        problems.append(row.problem("place", _("这类单位要有自己的地方"), hint))
    return problems


def _check_second_factor(pack: Pack) -> list[Problem]:
    """`settings.second_factor.required_for` names posts that there are."""
    settings = pack.settings_file(SETTINGS_FILE).get("settings")
    rule = settings.get("second_factor") if isinstance(settings, dict) else None
    roles = rule.get("required_for") if isinstance(rule, dict) else None
    at, hint = "settings.second_factor.required_for", ", ".join(Role.values)
    return [
        Problem(SETTINGS_FILE, 0, at, _("没有名叫“%(c)s”的岗位") % {"c": role}, hint)
        for role in (roles if isinstance(roles, list) else [])
        if role not in Role.values
    ]


def _check_account(row: Row, known: dict[str, Row], places: dict[str, Row]) -> list[Problem]:
    problems = []
    organisation = known.get(row["organisation"])
    if organisation is None:
        what = _("没有编码为“%(p)s”的单位") % {"p": row["organisation"]}
        problems.append(row.problem("organisation", what, _("要是 %(f)s 里的编码") % {"f": ORGANISATIONS.file}))
    elif row["role"] in HELD_IN and organisation["kind"] not in HELD_IN[row["role"]]:
        hint = "/".join(sorted(HELD_IN[row["role"]]))
        problems.append(row.problem("role", _("这个角色不能设在这类单位"), hint))
    if row["place"] and row["place"] not in places:
        what = _("没有编码为“%(c)s”的地方") % {"c": row["place"]}
        problems.append(row.problem("place", what, _("要是 %(f)s 里的编码") % {"f": PLACES.file}))
    return problems


def counts(pack: Pack) -> dict[str, int]:
    usernames = {row["username"] for row in pack.table(ACCOUNTS)}
    return {"organisations": len(pack.table(ORGANISATIONS)), "demo_accounts": len(usernames)}


def load(pack: Pack) -> None:
    places = dict(Place.objects.values_list("code", "id"))
    ids: dict[str, int] = {}
    for layer in by_depth(pack.table(ORGANISATIONS), "code", "parent"):
        rows = [
            {
                "code": row["code"],
                "name": row["name"],
                "name_en": row["name_en"],
                "kind": row["kind"],
                "parent_id": ids.get(row["parent"]),
                "place_id": places.get(row["place"]),
                "illustrative": row["illustrative"],
                "active": True,
                "source": row["source"],
            }
            for row in layer
        ]
        within = Organisation.objects.filter(code__in=[r["code"] for r in rows])
        done = sync(Organisation, rows, ("code",), within=within, reason=REASON)
        ids.update({key[0]: pk for key, pk in done.ids.items()})
    retire(Organisation.objects.filter(active=True).exclude(pk__in=ids.values()).exclude(source=ENTERED), REASON)
    if pack.demo:
        _load_accounts(pack, ids, places)


def _load_accounts(pack: Pack, organisations: dict[str, int], places: dict[str, int]) -> None:
    """Sample people and their posts. One hash serves all: they share one password, which is printed, not kept.

    A real person who happens to have a sample's user name is left alone.
    """
    real = set(Person.objects.filter(sample=False).values_list("username", flat=True))
    table = [row for row in pack.table(ACCOUNTS) if row["username"] not in real]
    accounts = {row["username"]: row for row in reversed(table)}
    there = {p.username: p for p in Person.objects.filter(username__in=accounts)}
    hashed = make_password(pack.demo_password)
    current = next((p.password for p in there.values()), "")
    if pack.demo_password and check_password(pack.demo_password, current):
        hashed = current
    people = []
    for username, row in accounts.items():
        fresh: dict[str, Any] = {
            "username": username,
            "name": row["name"],
            "name_en": row["name_en"],
            "sample": True,
            "is_active": True,
        }
        if pack.demo_password or username not in there:
            fresh["password"] = hashed
        if username not in there:
            fresh["date_joined"] = clock.now()
        people.append(fresh)
    persons = sync(Person, people, ("username",), within=Person.objects.filter(username__in=accounts))
    posts = [
        {
            "person_id": persons.ids[(row["username"],)],
            "role": row["role"],
            "organisation_id": organisations[row["organisation"]],
            "place_id": places.get(row["place"]),
            "active": True,
        }
        for row in table
    ]
    mine = Post.objects.filter(person__sample=True).exclude(organisation__source=ENTERED)
    done = sync(Post, posts, ("person_id", "role", "organisation_id"), within=mine, reason=REASON)
    retire(done.gone, REASON)


register(Part("organisations", 30, check, counts, load))
