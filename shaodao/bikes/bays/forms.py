"""Forms of bays and zones. What a value must be is said in `rows.py`; here controls are drawn and kept."""

from datetime import datetime, time
from typing import Any

import orjson
from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.bikes.bays.queries import BAYS, Kind
from shaodao.bikes.words import ZoneKind
from shaodao.cases.forms import Raw, RawChoice, RawText, add_errors
from shaodao.foundation import clock
from shaodao.kernel.datum import DATUMS

CONTROLS: dict[str, dict[str, Any]] = {
    "name": {"label": _("名称")},
    "capacity": {"label": _("容量（辆）"), "help_text": _("空着按长度计算")},
    "tolerance_m": {"label": _("容差（米）"), "help_text": _("车辆定位的误差；空着用全区的")},
    "kind": {"label": _("类型")},
    "quota": {"label": _("限量（辆）"), "help_text": _("限量区最多停放多少辆")},
    "begins_at": {"label": _("开始时间"), "help_text": _("临时围栏；空着为一直有效")},
    "ends_at": {"label": _("结束时间")},
    "daily_from": {"label": _("每天从"), "help_text": _("空着为全天；可以跨过午夜")},
    "daily_until": {"label": _("每天到")},
    "weekdays": {"label": _("星期"), "help_text": _("12345 为周一到周五；空着为每天")},
}
TYPES = {
    "begins_at": "datetime-local", "ends_at": "datetime-local", "daily_from": "time", "daily_until": "time",
}  # fmt: skip


class RawFile(Raw, forms.FileField):
    pass


class ShapeForm(forms.Form):
    """A bay or a zone: new (with a code) or as it stands."""

    def __init__(self, kind: Kind, row: Any = None, **given: Any) -> None:
        self.kind = kind
        given["initial"] = self._initial(row) | (given.get("initial") or {})
        super().__init__(**given, label_suffix="")
        if row is None:
            self.fields["code"] = RawText(
                label=_("编码"), help_text=_("以后不改，最多 40 个字"), widget=forms.TextInput({"autocomplete": "off"})
            )
        for name in kind.columns:
            self.fields[name] = self._control(name)
        self.fields["outline"] = RawText(
            label=_("边界"),
            help_text=_("GeoJSON 面，WGS-84 经度在前；在地图上画好会自动写在这里"),
            widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
        )
        self.fields["reason"] = RawText(
            label=_("理由"), required=False, widget=forms.TextInput({"maxlength": 300}), help_text=_("记入版本")
        )

    def _control(self, name: str) -> forms.Field:
        common = {"required": False, **CONTROLS[name]}
        if name == "kind":
            return RawChoice(**{**common, "required": True}, choices=[("", "—"), *ZoneKind.choices])
        widget = forms.TextInput({"type": TYPES[name]}) if name in TYPES else forms.TextInput({"autocomplete": "off"})
        if name in ("capacity", "quota", "tolerance_m"):
            widget.attrs["inputmode"] = "decimal" if name == "tolerance_m" else "numeric"
        return RawText(**common, widget=widget)

    def _initial(self, row: Any) -> dict[str, Any]:
        if row is None:
            return {}
        found = {name: _shown(getattr(row, name)) for name in self.kind.columns}
        if self.kind is BAYS and not row.capacity_given:
            found["capacity"] = ""
        return found | {"outline": orjson.dumps(row.geometry).decode()}

    def values(self) -> dict[str, Any]:
        """Raw values by the names of the columns."""
        self.full_clean()
        return {name: self.cleaned_data.get(name) or "" for name in self.kind.columns}

    def said(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")

    def fail(self, errors: dict[str, Any]) -> None:
        add_errors(self, errors)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return clock.local(value).strftime("%Y-%m-%dT%H:%M")
    if isinstance(value, time):
        return value.strftime("%H:%M")
    return f"{value:g}" if isinstance(value, float) else value


class ReasonForm(forms.Form):
    """Taking away needs a reason, putting back may have one."""

    def __init__(self, *args: Any, required: bool, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))
        self.fields["reason"] = RawText(
            label=_("理由"), required=required, widget=forms.TextInput({"maxlength": 300}), help_text=_("记入版本")
        )

    def fail(self, errors: dict[str, Any]) -> None:
        add_errors(self, errors)


class UploadForm(forms.Form):
    """A file to look at before it is imported."""

    def __init__(self, kind: Kind, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))
        self.fields["file"] = RawFile(
            label=_("文件"),
            help_text=_("CSV 角点、GeoJSON、GeoPackage、Shapefile（zip），最多 20 MB"),
            widget=forms.FileInput({"accept": ".csv,.geojson,.json,.gpkg,.zip"}),
        )
        self.fields["datum"] = RawChoice(
            label=_("坐标系"), choices=[(name, name) for name in DATUMS], help_text=_("文件自带坐标系的以文件为准")
        )
        if kind is not BAYS:
            self.fields["kind"] = RawChoice(
                label=_("没有写明类型的算作"), required=False, choices=[("", "—"), *ZoneKind.choices]
            )
        self.fields["reason"] = RawText(
            label=_("理由"), required=False, widget=forms.TextInput({"maxlength": 300}), help_text=_("记入版本")
        )

    def said(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "")

    def fail(self, errors: dict[str, Any]) -> None:
        add_errors(self, errors)
