"""District packs: a district is data. Every domain registers a part that checks and loads its files of the pack.

    counts, problems = check_pack("districts/pingcheng")     # nothing is written
    counts = load_pack("districts/pingcheng", demo=False)    # all or nothing, and the same again changes nothing

A domain's `pack.py` calls `register(Part(...))` when it is imported; `parts()` imports `pack` (and `district_pack`) of
every installed app, so a new domain needs no change here.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext as _

from shaodao.foundation import calendar, clock, district
from shaodao.foundation.models import LogEntry
from shaodao.foundation.shapes import DATUMS, Feature, read_geojson
from shaodao.foundation.tables import Problem, Row, TableSpec, decode, read_csv

SETTINGS_FILE = "district.yaml"


class Pack:
    """A folder with a district's data: each file is read once, and what is wrong with it is kept in `problems`."""

    def __init__(self, root: str | Path, *, demo: bool = False, demo_password: str | None = None) -> None:
        self.root = Path(root)
        self.demo = demo
        self.demo_password = demo_password
        self.problems: list[Problem] = []
        self._kept: dict[str, Any] = {}
        self.memo: dict[str, Any] = {}  # what parts work out once (the generated grid)

    def table(self, spec: TableSpec) -> list[Row]:
        """The typed rows of a CSV file."""
        rows: list[Row] = self._once(spec.file, lambda: read_csv(self.root / spec.file, spec))
        return rows

    def features(self, name: str, *, required: bool = False) -> list[Feature]:
        """The polygons of a GeoJSON file, in WGS-84."""
        found: list[Feature] = self._once(
            name, lambda: read_geojson(self.root / name, name, self.datum, required=required)
        )
        return found

    def settings_file(self, name: str, *, required: bool = True) -> dict[str, Any]:
        """The mapping at the top of a YAML file."""
        data: dict[str, Any] = self._once(name, lambda: self._read_yaml(name, required))
        return data

    @property
    def datum(self) -> str:
        """The datum of the pack's GeoJSON files."""
        name = str(self.settings_file(SETTINGS_FILE).get("datum", "WGS-84"))
        return name if name in DATUMS else "WGS-84"

    def digest(self) -> str:
        """SHA-256 over the names and contents of all files: equal packs have equal digests."""
        total = hashlib.sha256()
        for path in sorted(p for p in self.root.rglob("*") if p.is_file() and not p.name.startswith(".")):
            content = path.read_bytes()
            total.update(f"{path.relative_to(self.root).as_posix()}\0{len(content)}\0".encode() + content)
        return total.hexdigest()

    def place(self, file: str) -> int:
        """Where a file stands in the order of reading: causes come before what follows from them."""
        known = list(self._kept)
        return known.index(file) if file in known else len(known)

    def _once(self, name: str, read: Callable[[], tuple[Any, list[Problem]]]) -> Any:
        if name not in self._kept:
            self._kept[name], problems = read()
            self.problems += problems
        return self._kept[name]

    def _read_yaml(self, name: str, required: bool) -> tuple[dict[str, Any], list[Problem]]:
        path = self.root / name
        if not path.is_file():
            return {}, [
                Problem(name, 0, "", _("缺少文件"), _("照 districts/example 里的同名文件写"))
            ] if required else []
        content, problems = decode(path.read_bytes(), name)
        if problems:
            return {}, problems
        try:
            data = yaml.safe_load(content)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark else 0
            return {}, [Problem(name, line, "", _("不是有效的 YAML：%(e)s") % {"e": getattr(error, "problem", "")}, "")]
        if not isinstance(data, dict):
            return {}, [Problem(name, 1, "", _("顶层要是“键: 值”"), "")]
        return data, []


@dataclass(frozen=True)
class Part:
    """A domain's share of a pack. `order` follows the floors: lower parts are checked and loaded first.

    check: problems beyond those of single cells (unknown parents, cycles …); may read tables of lower floors.
    counts: what the pack holds, by name, for reports; called only on a pack without problems.
    load: writes it; called only on a pack without problems, inside one transaction.
    """

    name: str
    order: int
    check: Callable[[Pack], list[Problem]]
    counts: Callable[[Pack], dict[str, int]]
    load: Callable[[Pack], None]


class PackError(Exception):
    """A pack that cannot be loaded; `problems` says why, one by one."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


_parts: dict[str, Part] = {}


def register(part: Part) -> None:
    """Make a domain's part known (once for each name)."""
    _parts[part.name] = part


def parts() -> list[Part]:
    """All parts, lowest floor first."""
    autodiscover_modules("pack", "district_pack")
    return sorted(_parts.values(), key=lambda part: part.order)


def check_pack(root: str | Path) -> tuple[dict[str, int], list[Problem]]:
    """Read and judge a pack without writing anything.

    Returns counts (streets, communities, villages, cells, organisations, categories, conditions, map, calendar_days …;
    empty where there are problems) and the problems in the order of reading and of rows.
    """
    return _checked(Pack(root))


def _checked(pack: Pack) -> tuple[dict[str, int], list[Problem]]:
    if not pack.root.is_dir():
        return {}, [Problem(str(pack.root), 0, "", _("没有这个文件夹"), _("例如 districts/pingcheng"))]
    known = parts()
    found = [problem for part in known for problem in part.check(pack)]
    if whole := [p for p in pack.problems if p.row <= 1 or not p.column]:
        found = []  # a file that cannot be read makes everything that refers to it look wrong: first things first
        pack.problems[:] = whole
    problems = sorted(dict.fromkeys(pack.problems + found), key=lambda p: (pack.place(p.file), p.row))
    if problems:
        return {}, problems
    return {name: n for part in known for name, n in part.counts(pack).items()}, []


def load_pack(root: str | Path, demo: bool = False, demo_password: str | None = None) -> dict[str, int]:
    """Check a pack and write it in one transaction; loading the same pack again changes nothing.

    What the pack no longer names is made inactive (or deleted where nothing points at it). With `demo` the invented
    accounts of demo/accounts.csv are made too, all with `demo_password` (without one they cannot sign in).
    Returns the counts of `check_pack`. Raises PackError, having written nothing.
    """
    pack = Pack(root, demo=demo, demo_password=demo_password)
    counts, problems = _checked(pack)
    if problems:
        raise PackError(problems)
    with transaction.atomic():
        for part in parts():
            part.load(pack)
        data = {"counts": counts, "digest": pack.digest(), "demo": demo}
        LogEntry.objects.create(at=clock.now(), action="pack.load", subject=pack.root.name, data=data)
    district.forget()
    calendar.forget()
    return counts


def result(counts: dict[str, int], problems: list[Problem]) -> dict[str, Any]:
    """What `shaodao pack check --json` prints."""
    return {"ok": not problems, "counts": counts, "errors": [p.as_dict() for p in problems]}
