"""What every door hands in: columns of one length, as they were sent, nothing checked yet."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from shaodao.foundation import cells

NEEDED = ("time", "lon", "lat")
NAMES = ("vehicle", "box", *NEEDED, "speed_kmh", "heading", "working", "datum")
_ON = ("1", "1.0", "true", "on", "yes", "是", "开", "作业", "作业中")
_OFF = ("0", "0.0", "false", "off", "no", "否", "关", "未作业", "空驶")
UNREAD = -2
"""In `working`: something was said that is neither on nor off."""


@dataclass(frozen=True, eq=False)
class Sent:
    """n fixes. vehicle, box, datum (n,) object: text or None; t (n,) int64 milliseconds, NO_TIME for none; lon, lat in the
    datum that is named, else the box's, else `datum`; speed km/h, heading degrees, NaN for none; given: which of speed and
    heading were said at all; working 1, 0, -1 none, UNREAD; first: the place of the first row in all that was sent; owner: the box that speaks, by its
    token or topic, None for whoever may speak for all."""

    vehicle: NDArray[np.object_]
    box: NDArray[np.object_]
    t: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    speed: NDArray[np.float64]
    heading: NDArray[np.float64]
    speed_given: NDArray[np.bool_]
    heading_given: NDArray[np.bool_]
    working: NDArray[np.int8]
    datums: NDArray[np.object_]
    datum: str = "WGS-84"
    first: int = 0
    no_object: NDArray[np.bool_] | None = None
    owner: NDArray[np.object_] | None = None

    def __len__(self) -> int:
        return int(self.t.size)


def of_columns(found: Mapping[str, Any], n: int, datum: str = "WGS-84", first: int = 0) -> Sent:
    """From Arrow arrays of n rows by the names of NAMES; what is not there is none."""

    def text(name: str) -> NDArray[np.object_]:
        return cells.names(found[name]) if name in found else np.full(n, None, object)

    def number(name: str) -> NDArray[np.float64]:
        return cells.numbers(found[name]) if name in found else np.full(n, np.nan)

    def given(name: str) -> NDArray[np.bool_]:
        return _given(found[name]) if name in found else np.zeros(n, bool)

    t = cells.times(found["time"]) if "time" in found else np.full(n, cells.NO_TIME)
    working = _working(found["working"]) if "working" in found else np.full(n, -1, np.int8)
    return Sent(
        text("vehicle"), text("box"), t, number("lon"), number("lat"), number("speed_kmh"), number("heading"),
        given("speed_kmh"), given("heading"), working, text("datum"), datum, first,
    )  # fmt: skip


def of_items(items: list[Any], datum: str = "WGS-84", owners: list[str] | None = None) -> Sent:
    """From JSON values; each may be anything. owners: the box that sent each."""
    dicts = [item if isinstance(item, dict) else {} for item in items]
    found = {name: pa.array([_said(item.get(name)) for item in dicts], pa.string()) for name in NAMES}
    sent = of_columns(found, len(items), datum)
    no_object = np.array([not isinstance(item, dict) for item in items], bool)
    return dataclasses.replace(sent, no_object=no_object, owner=np.array(owners, object) if owners else None)


def _said(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | str):
        try:
            return str(value)[:200].encode("utf-8", "replace").decode()
        except ValueError:  # a whole number of thousands of digits
            return "?"
    return "?"  # a list or an object is no value of ours


def _given(column: Any) -> NDArray[np.bool_]:
    return np.array(pc.is_valid(column).to_numpy(zero_copy_only=False), bool)


def _working(column: Any) -> NDArray[np.int8]:
    """What the work signal says, one look at each different word."""
    if pa.types.is_boolean(column.type) or not cells.texts(column.type):
        column = pc.cast(column, pa.string())
    coded = pc.dictionary_encode(pc.fill_null(column, ""))
    words = [str(word).strip().lower() for word in coded.dictionary.to_pylist()]
    meaning = np.array(
        [-1 if not word else 1 if word in _ON else 0 if word in _OFF else UNREAD for word in words] or [-1], np.int8
    )
    return np.asarray(meaning[coded.indices.to_numpy()])
