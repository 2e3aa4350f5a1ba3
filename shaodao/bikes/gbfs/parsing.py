"""Bytes to a JSON document, strictly: what a lenient parser would swallow is a finding."""

import json
from typing import Any

import orjson
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.findings import Finding, error, shown

BOM = b"\xef\xbb\xbf"


class _Doubled(dict):
    """An object in which a key stands more than once; `keys_twice` names them."""

    keys_twice: list[str]


def parse(content: bytes, label: str) -> tuple[Any, list[Finding]]:
    """The document in `content`, and what is wrong with its form; the document is None where there is none.

    "All files MUST be valid JSON. All data MUST be UTF-8 encoded" (File Requirements); RFC 8259: no byte order mark (8.1),
    no NaN or Infinity (6), names within an object should be unique (4).
    """
    found: list[Finding] = []
    if content.startswith(BOM):
        found.append(error("encoding", label, "", _("文件以字节顺序标记（BOM）开头，JSON 不允许")))
        content = content[len(BOM) :]
    if fault := _not_json(content):
        return None, [*found, error("json", label, "", fault)]
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as reason:
        return None, [*found, error(*_reason(content, reason, label))]
    if not isinstance(document, dict):
        return None, [*found, error("json", label, "", _("最外层应是一个 JSON 对象"))]
    return document, found + doubled_keys(content, label)


def _not_json(content: bytes) -> str:
    start = content[:200].lstrip()
    if not start:
        return _("文件是空的")
    if start.startswith(b"<"):
        return _("内容是网页（HTML 或 XML），不是 JSON")
    if content.startswith(b"\x1f\x8b"):
        return _("内容是 gzip 压缩数据，没有按 Content-Encoding 声明")
    return ""


def _reason(content: bytes, reason: orjson.JSONDecodeError, label: str) -> tuple[str, str, str, str]:
    """(check, file, path, what) of a document that cannot be read."""
    try:
        content.decode()
    except UnicodeDecodeError as wrong:
        return "encoding", label, "", _("不是 UTF-8 编码：第 %(n)d 个字节") % {"n": wrong.start + 1}
    where = {"line": reason.lineno, "column": reason.colno}
    if "unexpected end of data" in reason.msg:
        return "json", label, "", _("JSON 没有写完：内容在第 %(line)d 行第 %(column)d 列中断") % where
    if content[reason.pos :].lstrip()[:8].lower().lstrip(b"-").startswith((b"nan", b"inf")):
        what = _("第 %(line)d 行第 %(column)d 列：NaN、Infinity 不是 JSON 的数") % where
        return "json", label, "", what
    why = where | {"why": reason.msg.partition(":")[0]}
    return "json", label, "", _("不是有效的 JSON：第 %(line)d 行第 %(column)d 列（%(why)s）") % why


def doubled_keys(content: bytes, label: str) -> list[Finding]:
    """Names that stand more than once in one object: readers disagree about which of the values counts (RFC 8259, 4)."""
    seen = False

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal seen
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        seen = True
        names = [name for name, _value in pairs]
        double = _Doubled(made)
        double.keys_twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 1000 else [""]
        return double

    try:
        document = json.loads(content, object_pairs_hook=build)
    except (ValueError, RecursionError):  # deeper, or numbers longer, than this parser goes: orjson has read it
        return []
    return list(_walk(document, "", label)) if seen else []


def _walk(node: Any, path: str, label: str) -> list[Finding]:
    """Findings for every doubled object under `node`; not recursive, since the depth is the sender's choice."""
    found, todo = [], [(node, path)]
    while todo:
        node, path = todo.pop()
        if isinstance(node, _Doubled):
            names = ", ".join(shown(name) for name in node.keys_twice)
            found.append(error("duplicate-key", label, path, _("同一个对象里键重复：%(names)s") % {"names": names}))
        if isinstance(node, dict):
            todo.extend((value, f"{path}/{pointer(key)}") for key, value in node.items())
        elif isinstance(node, list):
            todo.extend((value, f"{path}/{n}") for n, value in enumerate(node))
    return sorted(found, key=lambda f: f.path)


def pointer(key: str) -> str:
    """A key as part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
