"""Forms of the staff's pages: one generic form for every action, the filter of the lists, the report.

What a field's kind accepts is said in `inputs.py` alone: the action form only draws controls, keeps what was typed
and shows the answer of `perform` beside the field it is about.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import forms
from django.core import signing
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shaodao.cases import choices
from shaodao.cases.lifecycle import Field, Transition
from shaodao.cases.masking import masked
from shaodao.cases.queries import Loaded
from shaodao.cases.words import AppealGround, CaseState, Channel, Light
from shaodao.foundation import clock, uploads
from shaodao.foundation.errors import Invalid
from shaodao.foundation.naming import named
from shaodao.places.queries import DATUMS

KEPT_SALT = "cases.photos"
REASON_LABELS = {
    "send_back": _("退回理由"),
    "decline": _("不予立案的理由"),
    "whistle_draft": _("吹哨事由"),
    "urge": _("催办内容"),
    "appeal": _("申诉理由"),
    "review_appeal": _("复核意见"),
    "supervise": _("督办要求"),
    "close_not_fixed": _("未解决的原因"),
}


class Raw(forms.Field):
    """A field that draws and keeps; whether its value is right is the action's business."""

    def clean(self, value: Any, initial: Any = None) -> Any:
        return value


class RawText(Raw, forms.CharField):
    pass


class RawChoice(Raw, forms.ChoiceField):
    pass


class RawChoices(Raw, forms.MultipleChoiceField):
    pass


class Photos(forms.FileInput):
    """Several photos on one plain file input (docs/frontend.md)."""

    allow_multiple_selected = True

    def __init__(self) -> None:
        super().__init__({"multiple": True})

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().build_attrs({**uploads.picker(), **base_attrs}, extra_attrs)

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return files.getlist(name) if hasattr(files, "getlist") else []


class RawPhotos(Raw, forms.FileField):
    widget = Photos


class Position(forms.TextInput):
    """One plain input "lon,lat" with a button that fills it from the device (frontend/src/components/locate.ts)."""

    def __init__(self) -> None:
        super().__init__(
            {"data-locate": "", "inputmode": "text", "autocomplete": "off", "placeholder": "113.2980,40.0757"}
        )


class Wordings(forms.Select):
    """The pack's texts: choosing one writes it into the field named by `target` (frontend/src/components/wording.ts)."""

    def __init__(self, texts: dict[str, str], target: str) -> None:
        super().__init__({"data-wording": target})
        self.texts = texts

    def create_option(self, name: str, value: Any, *args: Any, **given: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **given)
        if str(value) in self.texts:
            option["attrs"]["data-text"] = self.texts[str(value)]
        return option


class ActionForm(forms.Form):
    """The form of one action on one case (or on one part of it), drawn from the table of the life cycle."""

    def __init__(self, transition: Transition, loaded: Loaded, on: Any = None, **given: Any) -> None:
        self.transition, self.loaded, self.on = transition, loaded, on
        given["label_suffix"] = ""
        given["initial"] = self._initial() | (given.get("initial") or {})
        super().__init__(**given)
        self.kept: list[int] = []
        for field in transition.fields:
            if field.kind != "wording" or choices.wordings(transition.action):
                self.fields[field.name] = self._control(field)
        if transition.reason:
            self.fields["reason"] = self._reason()

    # what stands in the form when it is opened

    def _initial(self) -> dict[str, Any]:
        case, names = self.loaded.case, {f.name for f in self.transition.fields}
        first: dict[str, Any] = {}
        if names >= {"lead", "supports"}:
            whistle = self.transition.action == "whistle_draft"
            lead, supports = (choices.whistled_units if whistle else choices.usual_units)(case)
            first |= {"lead": lead or "", "supports": [str(pk) for pk in supports]}
        if self.transition.action == "categorise":
            first |= {"category": case.category_id or "", "condition": case.condition_id or "", "urgent": case.urgent}
        if self.transition.action == "close":
            first |= {"reply": choices.results(case)}
        if self.transition.action == "locate" and case.lon is None:
            first |= {"place": case.community_id or case.street_id or ""}
        if self.transition.action == "publish":
            reports = list(case.reports.all()[:1])
            first |= {
                "published": case.published,
                "public_text": case.public_text or masked(reports[0].text if reports else case.summary),
            }
        return first

    def _reason(self) -> forms.Field:
        return RawText(
            label=REASON_LABELS.get(
                self.transition.action, _("理由") if self.transition.reason == "required" else _("说明")
            ),
            required=self.transition.reason == "required",
            widget=forms.Textarea({"rows": 3, "maxlength": 500}),
        )

    # one control for each kind of field

    def _control(self, field: Field) -> forms.Field:
        common: dict[str, Any] = {"label": field.label, "required": field.required, "help_text": field.help}
        make = getattr(self, f"_{field.kind}", None)
        if make is not None:
            made: forms.Field = make(field, common)
            return made
        return RawText(**common)

    def _longtext(self, field: Field, common: dict[str, Any]) -> forms.Field:
        short = field.name in {"remark", "comment"}
        return RawText(**common, widget=forms.Textarea({"rows": 3, "maxlength": 500 if short else 4000}))

    def _text(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"maxlength": 120}))

    def _bool(self, field: Field, common: dict[str, Any]) -> forms.Field:
        if not field.required or field.name in {"published"}:
            return RawText(**(common | {"required": False}), widget=forms.CheckboxInput({"value": "1"}))
        yes_no = choices.ANSWERS.get(self.transition.action, (_("是"), _("否")))
        return RawChoice(**common, choices=[("1", yes_no[0]), ("0", yes_no[1])], widget=forms.RadioSelect)

    def _rating(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=choices.RATINGS, widget=forms.RadioSelect)

    def _organisation(self, field: Field, common: dict[str, Any]) -> forms.Field:
        groups = [("", "—"), *choices.units(self.loaded.case)]
        select = forms.Select(
            {"data-choose": "", "data-not-in": "supports"} if field.name == "lead" else {"data-choose": ""}
        )
        return RawChoice(**common, choices=groups, widget=select)

    def _organisations(self, field: Field, common: dict[str, Any]) -> forms.Field:
        groups = choices.units(self.loaded.case, everybody=self.transition.action == "circulate")
        return RawChoices(**common, choices=groups, widget=forms.SelectMultiple({"data-choose": "", "size": 5}))

    def _category(self, field: Field, common: dict[str, Any]) -> forms.Field:
        select = forms.Select(
            {"data-choose": "", "data-options-url": choices.conditions_url(), "data-options-for": "condition"}
        )
        return RawChoice(**common, choices=[("", "—"), *choices.categories()], widget=select)

    def _condition(self, field: Field, common: dict[str, Any]) -> forms.Field:
        category = self.data.get("category") if self.is_bound else self.initial.get("category")
        return RawChoice(**common, choices=[("", gettext("目录规定的第一条")), *choices.conditions(category)])

    def _whistle_kind(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=choices.whistle_kinds(), widget=forms.RadioSelect)

    def _datetime(self, field: Field, common: dict[str, Any]) -> forms.Field:
        now = clock.local(clock.now()).strftime("%Y-%m-%dT%H:%M")
        return RawText(**common, widget=forms.TextInput({"type": "datetime-local", "min": now}))

    def _position(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=Position())

    def _place(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=[("", "—"), *choices.places()], widget=forms.Select({"data-choose": ""}))

    def _photos(self, field: Field, common: dict[str, Any]) -> forms.Field:
        if self.transition.action == "publish":
            offered = choices.photos(self.loaded.case)
            chosen = [str(p.upload_id) for p in offered if p.published]
            self.initial.setdefault(field.name, chosen)
            pairs = [(p.upload_id, choices.photo_label(n, p)) for n, p in enumerate(offered, 1)]
            return RawChoices(**common, choices=pairs, widget=forms.CheckboxSelectMultiple)
        return RawPhotos(**common)

    def _wording(self, field: Field, common: dict[str, Any]) -> forms.Field:
        pairs = [("", "—"), *((w.code, named(w, "title")) for w in choices.wordings(self.transition.action))]
        target = "reason" if self.transition.reason else "text"
        return RawChoice(**common, choices=pairs, widget=Wordings(self.texts, target))

    @property
    def texts(self) -> dict[str, str]:
        """The pack's texts for this action by their codes, in the language of the page."""
        return {w.code: named(w, "text") for w in choices.wordings(self.transition.action)}

    def _case(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawText(**common, widget=forms.TextInput({"placeholder": "2026-000123", "autocomplete": "off"}))

    def _report(self, field: Field, common: dict[str, Any]) -> forms.Field:
        return RawChoice(**common, choices=choices.reports(self.loaded.case), widget=forms.RadioSelect)

    def _stage(self, field: Field, common: dict[str, Any]) -> forms.Field:
        stages = [s["name"] for s in getattr(self.on, "stages", []) if not s.get("done_at")]
        return RawChoice(**common, choices=[(name, name) for name in stages], widget=forms.RadioSelect)

    def _grounds(self, field: Field, common: dict[str, Any]) -> forms.Field:
        facts = self.loaded.facts.assignment(self.on.pk) if self.on else None
        offered = facts.contestable if facts else ()
        pairs = [(g.value, g.label) for g in AppealGround if g in offered]
        if len(pairs) == 1:
            self.initial.setdefault(field.name, [pairs[0][0]])
        return RawChoices(**common, choices=pairs, widget=forms.CheckboxSelectMultiple)

    # what was sent, as `perform` takes it

    def payload(self, person: Any) -> tuple[dict[str, Any], str]:
        """Raw values by field name and the reason. New photos are stored; those of an earlier try are kept.

        Raises Invalid when a photo cannot be read; photos that could be are kept in `self.kept`.
        """
        self.full_clean()
        data = {name: self.cleaned_data.get(name) for name in self.fields if name != "reason"}
        for name, field in self.fields.items():
            if isinstance(field, RawPhotos):
                data[name] = self._store(name, person)
        return self._worded(data, self.cleaned_data.get("reason") or "")

    def _worded(self, data: dict[str, Any], reason: str) -> tuple[dict[str, Any], str]:
        """Without scripts nothing was filled in: a chosen text stands where nothing else was written."""
        text = self.texts.get(data.get("wording") or "", "")
        if "text" in data:
            return {**data, "text": data["text"] or text}, reason
        return data, reason or text

    def _store(self, name: str, person: Any) -> list[int]:
        self.kept = read_kept(self.data.get("kept_photos", ""))
        stored, faults = uploads.store_all(self.cleaned_data.get(name) or [], person)
        self.kept += [u.pk for u in stored if u.pk not in self.kept]
        if faults:
            raise Invalid({name: " ".join(faults)})
        return self.kept

    @property
    def kept_photos(self) -> str:
        """Photos of this try, signed, so that a second try need not send them again."""
        return signing.dumps(self.kept, salt=KEPT_SALT) if self.kept else ""

    def fail(self, errors: dict[str, Any]) -> None:
        """Put the answer of an action beside its fields."""
        add_errors(self, errors)


def read_kept(text: str) -> list[int]:
    """Ids of photos that this session's earlier try stored; a forged or old word gives none."""
    try:
        found = signing.loads(text, salt=KEPT_SALT, max_age=uploads.TICKET_SECONDS) if text else []
    except signing.BadSignature:
        return []
    return [int(pk) for pk in found]


def add_errors(form: forms.Form, errors: dict[str, Any]) -> None:
    """Put faults beside their fields, and those of no field above the form."""
    form.is_valid()  # makes sure that the form has looked at its data: only then can it take errors
    for name, text in errors.items():
        form.add_error(name if name in form.fields else None, str(text))


# ── the filter of a list ─────────────────────────────────────────────────────────────────────────────────────────

LIGHTS = [c for c in Light.choices if c[0] != Light.DONE]
STATES = [("open", _("在办")), *CaseState.choices]
SIZES = (25, 50, 100)


def _day(label: Any) -> forms.DateField:
    """A day of this century: others mean a slip of the hand, and overflow in the arithmetic of time zones."""
    return forms.DateField(
        label=label,
        required=False,
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        validators=[MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2099, 12, 31))],
    )


class FilterForm(forms.Form):
    """The filter of a list. Every field is optional; one that cannot be read is shown with its fault and left out."""

    q = forms.CharField(label=_("编号、内容、地址"), required=False, max_length=80)
    category = forms.TypedChoiceField(label=_("类别"), required=False, coerce=int, empty_value=None)
    street = forms.TypedChoiceField(label=_("街道"), required=False, coerce=int, empty_value=None)
    lead = forms.TypedChoiceField(label=_("主办单位"), required=False, coerce=int, empty_value=None)
    light = forms.ChoiceField(label=_("时限"), required=False, choices=[("", _("全部")), *LIGHTS])
    state = forms.ChoiceField(label=_("状态"), required=False, choices=[("", _("全部")), *STATES])
    channel = forms.ChoiceField(label=_("渠道"), required=False, choices=[("", _("全部")), *Channel.choices])
    whistle = forms.ChoiceField(
        label=_("吹哨"), required=False, choices=[("", _("全部")), ("waiting", _("等部门报到"))]
    )
    due = forms.ChoiceField(label=_("到期"), required=False, choices=[("", _("全部")), ("4h", _("4 小时内到期"))])
    urgent = forms.BooleanField(label=_("只看紧急"), required=False)
    rebound = forms.BooleanField(label=_("只看反弹"), required=False)
    since = _day(_("上报自"))
    until = _day(_("上报至"))

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))
        everything = ("", _("全部"))
        self.fields["category"].choices = [everything, *choices.categories()]  # type: ignore[attr-defined]
        self.fields["street"].choices = [everything, *choices.streets()]  # type: ignore[attr-defined]
        self.fields["lead"].choices = [everything, *choices.units(None)]  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """What can be read of the filter, without the empty and the faulty."""
        self.is_valid()
        return {k: v for k, v in self.cleaned_data.items() if v not in (None, "", False)}

    @property
    def narrowed(self) -> bool:
        """Is anything beside the text search set? Then the panel of filters stands open."""
        return any(self.data.get(name) for name in self.fields if name != "q")


# ── a report by staff ────────────────────────────────────────────────────────────────────────────────────────────


class ReportForm(forms.Form):
    channel = forms.ChoiceField(label=_("渠道"))
    text = forms.CharField(
        label=_("看到了什么"), required=False, max_length=4000, widget=forms.Textarea({"rows": 4, "maxlength": 4000})
    )
    category = forms.ChoiceField(label=_("类别"), required=False, widget=forms.Select({"data-choose": ""}))
    urgent = forms.BooleanField(label=_("紧急"), required=False)
    address = forms.CharField(
        label=_("地址"), required=False, max_length=200, help_text=_("没有坐标时，写明街道、社区或村"),
        widget=forms.TextInput({"list": "place-names", "autocomplete": "off"}),
    )  # fmt: skip
    cell = forms.CharField(
        label=_("网格编码"), required=False, max_length=15, help_text=_("15 位数字；没有坐标时用它定位"),
        widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip
    lon = forms.CharField(
        label=_("经度"), required=False, max_length=30, widget=forms.TextInput({"inputmode": "decimal"})
    )
    lat = forms.CharField(
        label=_("纬度"), required=False, max_length=30, widget=forms.TextInput({"inputmode": "decimal"})
    )
    datum = forms.ChoiceField(
        label=_("坐标系"), required=False, choices=[(d, choices.DATUM_LABELS.get(d, d)) for d in DATUMS],
        help_text=_("从高德、腾讯地图抄来的选 GCJ-02，从百度地图抄来的选 BD-09"),
    )  # fmt: skip
    photos = RawPhotos(label=_("照片"), required=False)
    name = forms.CharField(label=_("来电人姓名"), required=False, max_length=60)
    phone = forms.CharField(
        label=_("电话"), required=False, max_length=30, widget=forms.TextInput({"type": "tel", "inputmode": "tel"})
    )
    email = forms.EmailField(label=_("电子邮箱"), required=False)
    external_id = forms.CharField(label=_("来源编号"), required=False, max_length=80, help_text=_("如热线工单号"))

    def __init__(
        self, *args: Any, channels: Iterable[tuple[str, Any]] = (), urgent: bool = False, **given: Any
    ) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))
        if not urgent:
            del self.fields["urgent"]
        self.fields["channel"].choices = list(channels)  # type: ignore[attr-defined]
        self.fields["category"].choices = [("", _("由受理员归类")), *choices.categories()]  # type: ignore[attr-defined]
        for name in ("name", "phone", "email"):
            self.fields[name].widget.attrs |= {"data-private": "", "autocomplete": "off"}
        self.kept: list[int] = []

    def store_photos(self, person: Any) -> None:
        """Store what was sent, keep what an earlier try stored; Invalid names each photo that cannot be read."""
        self.kept = read_kept(self.data.get("kept_photos", ""))
        stored, faults = uploads.store_all(self.files.getlist("photos") if self.files else [], person)
        self.kept += [u.pk for u in stored]
        if faults:
            raise Invalid({"photos": " ".join(faults)})

    @property
    def kept_photos(self) -> str:
        return signing.dumps(self.kept, salt=KEPT_SALT) if self.kept else ""


class SavedViewForm(forms.Form):
    name = forms.CharField(label=_("名称"), max_length=40)
