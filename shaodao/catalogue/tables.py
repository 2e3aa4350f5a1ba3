"""The catalogue as tables: columns, checks and writing, shared by the pack (CSV) and the workbook (xlsx)."""

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from shaodao.catalogue.models import Attribute, Category, CategoryMap, Condition, Scheme
from shaodao.foundation.sync import remove_unreferenced, retire, sync, sync_links
from shaodao.foundation.tables import Bad, Column, Problem, Row, TableSpec, boolean, choice, code, integer, number, text
from shaodao.organisations.models import Organisation

STREET = "@street"  # as a lead: the street in whose territory the case lies
OTHER = ("event", "other")  # the catch-all of the active scheme
KINDS = {"component": "部件", "event": "事件"}
UNITS = {"hour": "紧急工作时", "day": "自然日", "work_hour": "工作时", "work_day": "工作日"}
MATCHES = {"exact": "一致", "review": "待核对", "none": "无对应"}
LISTS = {"singlevaluelist", "multivaluelist"}


# --- values of one cell -----------------------------------------------------------------------------------------


def yes_no(value: Any) -> str:
    return "是" if value else "否"


def blank(value: Any) -> Any:
    return "" if value is None else value


def keywords(value: str) -> str:
    """Words separated by commas (、，；are understood)."""
    words = [w.strip() for w in re.split(r"[,，、;；]", value)]
    joined: str = text(300)(",".join(w for w in words if w))
    return joined


def organisation(value: str) -> str:
    """An organisation's code; a workbook writes its name behind it for the reader."""
    return value.split(maxsplit=1)[0]


def organisations(value: str) -> list[str]:
    """Codes separated by semicolons, each perhaps with a name behind it."""
    return [organisation(part) for part in re.split(r"[;；]", value) if part.strip()]


def stages(value: str) -> list[dict[str, Any]]:
    """`围护 3 hour;修复 8 hour`: stages of the work, each with its limit counted from the start of the assignment."""
    found = []
    for part in (p.strip() for p in re.split(r"[;；]", value)):
        if not part:
            continue
        words = part.rsplit(maxsplit=2)
        if len(words) != 3:
            raise Bad(_("阶段“%(v)s”写法不对") % {"v": part}, _("写成：围护 3 hour;修复 8 hour"))
        limit, unit = number(above=0)(words[1]), choice(UNITS, UNITS)(words[2])
        found.append({"name": words[0], "value": limit, "unit": unit})
    return found


def show_stages(value: list[dict[str, Any]]) -> str:
    return ";".join(f"{s['name']} {s['value']:g} {UNITS[s['unit']]}" for s in value)


def values(value: str) -> list[dict[str, str]]:
    """`key=名称|English;…`: the answers of a list question."""
    found = []
    for part in (p.strip() for p in re.split(r"[;；]", value)):
        if not part:
            continue
        match = re.fullmatch(r"([A-Za-z0-9_-]+)=([^|]+)(?:\|(.*))?", part)
        if not match:
            raise Bad(_("选项“%(v)s”写法不对") % {"v": part}, _("写成：yes=是|Yes;no=否|No"))
        found.append({"key": match[1], "name": match[2].strip(), "name_en": (match[3] or "").strip()})
    return found


def show_values(value: list[dict[str, str]]) -> str:
    return ";".join(f"{v['key']}={v['name']}" + (f"|{v['name_en']}" if v.get("name_en") else "") for v in value)


# --- columns ----------------------------------------------------------------------------------------------------

CODE = code((4, 5, 6), words=True, longest=10)


def _text(name: str, longest: int, label: str, required: bool = False) -> Column:
    return Column(name, text(longest), required, "", label)


def _key(prefix: str = "") -> tuple[Column, Column, Column]:
    return (
        Column(f"{prefix}scheme", text(30), label="目录版本"),
        Column("kind", choice(KINDS, KINDS), label="类型", show=KINDS.__getitem__),
        Column(f"{prefix}code", CODE, label="编码"),
    )


SCHEMES = TableSpec(
    "catalogue/schemes.csv",
    (
        Column("scheme", text(30), label="目录版本"),
        _text("name", 120, "名称", required=True),
        _text("name_en", 150, "英文名称"),
        Column("active", boolean, label="启用", show=yes_no),
        _text("source", 300, "来源"),
    ),
    key=("scheme",),
)
CATEGORIES = TableSpec(
    "catalogue/categories.csv",
    (
        *_key(),
        Column("major_code", text(4), label="大类编码"),
        _text("major_name", 60, "大类名称", required=True),
        _text("major_name_en", 100, "大类英文名称"),
        _text("name", 100, "名称", required=True),
        _text("name_en", 150, "英文名称"),
        Column("public", boolean, False, False, "公众可报", yes_no),
        Column("urgent", boolean, False, False, "紧急", yes_no),
        Column("watch_days", integer(0, 3650), False, None, "防反弹天数", blank),
        Column("watch_radius_m", integer(1, 5000), False, None, "防反弹半径（米）", blank),
        Column("duplicate_radius_m", integer(1, 5000), False, None, "查重半径（米）", blank),
        Column("keywords", keywords, False, "", "关键词"),
        _text("source", 300, "来源"),
    ),
    key=("scheme", "kind", "code"),
)
CONDITIONS = TableSpec(
    "catalogue/conditions.csv",
    (
        *_key(),
        Column("seq", integer(1, 99), label="序号", show=int),
        _text("filing", 300, "立案条件", required=True),
        _text("closing", 300, "结案条件", required=True),
        Column("limit_value", number(above=0), label="时限", show=lambda v: int(v) if v == int(v) else v),
        Column("limit_unit", choice(UNITS, UNITS), label="时限单位", show=UNITS.__getitem__),
        Column("stages", stages, False, [], "阶段", show_stages),
        Column("lead", organisation, label="主办单位"),
        Column("supports", organisations, False, [], "协办单位"),
        _text("source", 300, "来源"),
    ),
    key=("scheme", "kind", "code", "seq"),
)
ATTRIBUTES = TableSpec(
    "catalogue/attributes.csv",
    (
        *_key(),
        Column("attribute", text(40), label="问题编码"),
        Column("datatype", choice(Attribute.Datatype.values), label="数据类型"),
        Column("required", boolean, False, False, "必答", yes_no),
        Column("order", integer(1, 999), False, 1, "次序", int),
        _text("description", 200, "问题", required=True),
        _text("description_en", 200, "英文问题"),
        Column("values", values, False, [], "选项", show_values),
    ),
    key=("scheme", "kind", "code", "attribute"),
    required=False,
)
MAP = TableSpec(
    "catalogue/map.csv",
    (
        *_key("from_"),
        Column("to_scheme", text(30), label="对应目录版本"),
        Column("to_code", CODE, False, "", "对应编码"),
        Column("match", choice(MATCHES, MATCHES), label="对应关系", show=MATCHES.__getitem__),
    ),
    key=("from_scheme", "kind", "from_code", "to_scheme"),
    required=False,
)


@dataclass
class Tables:
    """A whole catalogue as typed rows."""

    schemes: list[Row] = field(default_factory=list)
    categories: list[Row] = field(default_factory=list)
    conditions: list[Row] = field(default_factory=list)
    attributes: list[Row] = field(default_factory=list)
    map: list[Row] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        return {
            "schemes": len(self.schemes),
            "categories": len(self.categories),
            "conditions": len(self.conditions),
            "attributes": len(self.attributes),
            "map": len(self.map),
        }


# --- checks -----------------------------------------------------------------------------------------------------

Key = tuple[str, str, str]


def check(tables: Tables, known_organisations: set[str]) -> list[Problem]:
    """Faults between rows: unknown schemes, categories and organisations, odd codes, missing answers."""
    schemes = {row["scheme"] for row in tables.schemes}
    categories: set[Key] = {_key_of(row) for row in tables.categories}
    problems = _check_schemes(tables, categories)
    problems += [p for row in tables.categories for p in _check_category(row, schemes)]
    problems += _check_lengths(tables.categories)
    for row in (*tables.conditions, *tables.attributes):
        if _key_of(row) not in categories:
            what = _("目录里没有 %(k)s") % {"k": " ".join(_key_of(row))}
            problems.append(row.problem("code", what, _("先在类别表里加上它")))
    problems += [p for row in tables.conditions for p in _check_units(row, known_organisations)]
    problems += [p for row in tables.attributes for p in _check_attribute(row)]
    return problems + [p for row in tables.map for p in _check_map(row, categories, schemes)]


def _key_of(row: Row, prefix: str = "") -> Key:
    return row[f"{prefix}scheme"], row["kind"], row[f"{prefix}code"]


def _check_schemes(tables: Tables, categories: set[Key]) -> list[Problem]:
    active = [row for row in tables.schemes if row["active"]]
    if tables.schemes and len(active) != 1:
        row = active[1] if active else tables.schemes[0]
        return [row.problem("active", _("要有且只有一个启用的目录版本"), "")]
    if active and (active[0]["scheme"], *OTHER) not in categories:
        what = _("启用的目录里没有兜底类别 %(k)s") % {"k": " ".join(OTHER)}
        return [active[0].problem("scheme", what, _("加一行：事件，编码 other，名称“其他”"))]
    return []


def _check_category(row: Row, schemes: set[str]) -> list[Problem]:
    problems = []
    if row["scheme"] not in schemes:
        what = _("没有目录版本“%(s)s”") % {"s": row["scheme"]}
        problems.append(row.problem("scheme", what, ", ".join(sorted(schemes))))
    if row["code"].isdigit() and not row["code"].startswith(row["major_code"]):
        what = _("编码不以大类编码 %(m)s 开头") % {"m": row["major_code"]}
        problems.append(row.problem("code", what, _("大类 2 位加小类；注意前面的 0")))
    return problems


def _check_lengths(rows: list[Row]) -> list[Problem]:
    """Codes of one scheme have one length; a shorter one has probably lost its leading zero."""
    problems = []
    for scheme in {row["scheme"] for row in rows}:
        mine = [row for row in rows if row["scheme"] == scheme and row["code"].isdigit()]
        lengths = Counter(len(row["code"]) for row in mine)
        if len(lengths) < 2:
            continue
        usual = lengths.most_common(1)[0][0]
        for row in mine:
            if len(row["code"]) != usual:
                what = _("编码“%(v)s”位数不对") % {"v": row["code"]}
                hint = _("本目录的编码是 %(n)d 位") % {"n": usual}
                problems.append(row.problem("code", what, hint))
    return problems


def _check_units(row: Row, known: set[str]) -> list[Problem]:
    problems = []
    if row["lead"] and row["lead"] != STREET and row["lead"] not in known:
        what = _("没有编码为“%(p)s”的单位") % {"p": row["lead"]}
        problems.append(row.problem("lead", what, _("用单位编码；所在街道写 @street")))
    for unit in row["supports"]:
        if unit not in known:
            what = _("没有编码为“%(p)s”的单位") % {"p": unit}
            problems.append(row.problem("supports", what, _("用单位编码，分号隔开；所在街道不必写")))
    if row["lead"] in row["supports"] or len(set(row["supports"])) < len(row["supports"]):
        problems.append(row.problem("supports", _("同一单位写了两次"), _("主办单位不再作协办单位")))
    return problems


def _check_attribute(row: Row) -> list[Problem]:
    if not row["datatype"] or (row["datatype"] in LISTS) == bool(row["values"]):
        return []
    if row["values"]:
        return [row.problem("values", _("这种数据类型没有选项"), ", ".join(sorted(LISTS)))]
    return [row.problem("values", _("选择题没有选项"), _("写成：yes=是|Yes;no=否|No"))]


def _check_map(row: Row, categories: set[Key], schemes: set[str]) -> list[Problem]:
    problems = []
    if _key_of(row, "from_") not in categories:
        what = _("目录里没有 %(k)s") % {"k": " ".join(_key_of(row, "from_"))}
        problems.append(row.problem("from_code", what, ""))
    target = (row["to_scheme"], row["kind"], row["to_code"])
    if row["to_scheme"] not in schemes:
        what = _("没有目录版本“%(s)s”") % {"s": row["to_scheme"]}
        problems.append(row.problem("to_scheme", what, ", ".join(sorted(schemes))))
    elif bool(row["to_code"]) == (row["match"] == "none"):
        problems.append(row.problem("to_code", _("无对应时编码留空，否则要填"), "exact, review, none"))
    elif row["to_code"] and target not in categories:
        problems.append(row.problem("to_code", _("目录里没有 %(k)s") % {"k": " ".join(target)}, ""))
    return problems


# --- writing ----------------------------------------------------------------------------------------------------


def write(tables: Tables) -> dict[str, int]:
    """Bring the catalogue to what `tables` (checked) say; what they no longer name becomes inactive.

    Returns how many rows were created, updated and retired. Call inside a transaction.
    """
    done = {"created": 0, "updated": 0, "retired": 0}

    def count(result: Any) -> Any:
        done["created"] += result.created
        done["updated"] += result.updated
        return result

    rows: list[dict[str, Any]] = [
        {**_pick(r, "name", "name_en", "active", "source"), "code": r["scheme"]} for r in tables.schemes
    ]
    schemes = count(sync(Scheme, rows, ("code",)))
    done["retired"] += retire(schemes.gone)
    scheme_ids = {key[0]: pk for key, pk in schemes.ids.items()}
    categories = count(sync(Category, _category_rows(tables, scheme_ids), ("scheme_id", "kind", "code")))
    done["retired"] += retire(categories.gone)
    ids: dict[Key, int] = {
        (scheme, kind, number_): categories.ids[(scheme_ids[scheme], kind, number_)]
        for scheme, kind, number_ in map(_key_of, tables.categories)
    }
    _write_conditions(tables, ids, count, done)
    rows = [
        {
            **_pick(r, "datatype", "required", "order", "description", "description_en", "values"),
            "code": r["attribute"],
            "category_id": ids[_key_of(r)],
        }
        for r in tables.attributes
    ]
    remove_unreferenced(count(sync(Attribute, rows, ("category_id", "code"))).gone)
    rows = [
        {
            "source_category_id": ids[_key_of(r, "from_")],
            "target_scheme_id": scheme_ids[r["to_scheme"]],
            "target_category_id": ids[(r["to_scheme"], r["kind"], r["to_code"])] if r["to_code"] else None,
            "match": r["match"],
        }
        for r in tables.map
    ]
    remove_unreferenced(count(sync(CategoryMap, rows, ("source_category_id", "target_scheme_id"))).gone)
    return done


def _pick(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _category_rows(tables: Tables, scheme_ids: dict[str, int]) -> list[dict[str, Any]]:
    names = [n for n in CATEGORIES.names() if n != "scheme"]
    return [{**_pick(r, *names), "scheme_id": scheme_ids[r["scheme"]], "active": True} for r in tables.categories]


def _write_conditions(tables: Tables, ids: dict[Key, int], count: Any, done: dict[str, int]) -> None:
    units = dict(Organisation.objects.values_list("code", "id"))
    rows = [
        {
            **_pick(r, "seq", "filing", "closing", "limit_value", "limit_unit", "stages", "source"),
            "category_id": ids[_key_of(r)],
            "lead_id": units.get(r["lead"]),
            "active": True,
        }
        for r in tables.conditions
    ]
    conditions = count(sync(Condition, rows, ("category_id", "seq")))
    done["retired"] += retire(conditions.gone)
    keys = [conditions.ids[(ids[_key_of(r)], r["seq"])] for r in tables.conditions]
    wanted = {(pk, units[u]) for pk, r in zip(keys, tables.conditions, strict=True) for u in r["supports"]}
    sync_links(Condition.supports.through, "condition_id", "organisation_id", wanted, set(keys))
