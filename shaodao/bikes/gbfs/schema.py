"""The published JSON schemas: they come with the PyPI package gbfs-validator and are run by jsonschema-rs.

Two things in them are older than the world and are softened to warnings: time zones (an IANA name that the list lacks)
and language tags (the pattern knows "zh" and "zh-CN" but not "zh-Hans", which the specification's BCP 47 allows).
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from itertools import islice
from typing import Any
from zoneinfo import available_timezones

import jsonschema_rs
import orjson
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import File, mapping
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning
from shaodao.bikes.gbfs.parsing import pointer
from shaodao.bikes.gbfs.versions import VEHICLE_FILES, family

LIMIT = 1000
"""Errors of one file that are looked at: a file that is wrong throughout is not listed throughout."""
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|\d{3}))?(-[A-Za-z0-9]{5,8})*")
"""BCP 47 as far as the world uses it: language, script, region, variants."""


@cache
def validator(version: str, name: str) -> Any:
    """The compiled schema of a file of a version; None if the version has no such file.

    The schema's `const` for `version` is left out: the version has chosen the schema, and candidates share it.
    """
    source = files("gbfs_validator").joinpath("data", "schemas", f"v{version}", f"{name}.json")
    if not source.is_file():
        return None
    document = orjson.loads(source.read_bytes())
    mapping(mapping(document.get("properties")).get("version")).pop("const", None)
    return jsonschema_rs.Draft7Validator(document, validate_formats=True)


def check(file: File, feed_family: str) -> Iterator[Finding]:
    """Hold one file against the schema of the version it names, or of the feed's where it names none that exists."""
    rules = validator(family(file.version) or feed_family, file.name)
    if rules is None:
        return
    try:
        for fault in islice(rules.iter_errors(file.document), LIMIT):
            yield _finding(file, fault)
    except ValueError:  # jsonschema-rs goes 255 levels deep; no file of the specification needs ten
        yield error("schema", file.label, "", _("嵌套太深，无法检查"))


def _finding(file: File, fault: Any) -> Finding:
    path = "".join(f"/{pointer(str(part))}" for part in fault.instance_path)
    if what := _tolerated(file, fault, path):
        return warning("schema", file.label, path, what)
    return error("schema", file.label, path, _words(file, fault))


def _tolerated(file: File, fault: Any, path: str) -> str:
    """What is wrong by the schema and right by the specification; "" if it is wrong by both."""
    value, name = fault.instance, fault.kind.name
    words = {"value": shown(value)}
    if name == "enum" and path == "/data/timezone" and str(value) in available_timezones():
        return _("时区 %(value)s 有效，但不在规范模式的清单里") % words
    if name == "pattern" and _is_language(path) and LANGUAGE_TAG.fullmatch(str(value)):
        return _("语言标签 %(value)s 合乎 BCP 47，但规范模式不认") % words
    if name == "additionalProperties" and file.name == "gbfs" and path == "/data":
        names = [str(key) for key in fault.kind.as_dict()["unexpected"]]
        if all(LANGUAGE_TAG.fullmatch(key) for key in names):
            return _("语言标签 %(value)s 合乎 BCP 47，但规范模式不认") % {"value": shown(", ".join(names))}
    return ""


def _words(file: File, fault: Any) -> str:
    """What a schema error means."""
    kind, name = fault.kind.as_dict(), fault.kind.name
    if name == "contains" and file.name == "gbfs":
        return _("列表里没有 system_information")
    if name == "anyOf" and file.name in VEHICLE_FILES:
        return _("要么给出 lat 和 lon，要么给出 station_id")
    words = {
        "name": kind.get("property") or kind.get("format") or name,
        "value": shown(fault.instance),
        "limit": kind.get("limit"),
        "wanted": "/".join(kind.get("types") or ()),
    }
    meanings = {
        "required": _("缺少必填字段 %(name)s"),
        "type": _("类型应是 %(wanted)s，这里是 %(value)s"),
        "minimum": _("%(value)s 小于下限 %(limit)s"),
        "maximum": _("%(value)s 大于上限 %(limit)s"),
        "minItems": _("项数太少，至少要 %(limit)s 项"),
        "format": _("%(value)s 不符合格式 %(name)s"),
        "enum": _("%(value)s 不是允许的值"),
    }
    return meanings.get(name, _("不符合规范模式（%(name)s）：%(value)s")) % words


def _is_language(path: str) -> bool:
    return path.endswith("/language") or path.startswith("/data/languages/")
