"""The public's forms. They check what can be checked without the case; the loop's own checks follow in the action."""

import uuid
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shaodao.cases.questions import Words
from shaodao.catalogue.models import Category
from shaodao.foundation import clock, uploads
from shaodao.foundation.naming import named
from shaodao.places.models import Place
from shaodao.portal import queries

DATUMS = {"wgs84": "WGS-84", "gcj02": "GCJ-02", "bd09": "BD-09"}  # as the map's script names them: as the places do
PHONE = RegexValidator(r"^[0-9+()\-\s]{5,30}$", _("电话只写数字，例如 13800000000 或 0352-1234567"))
HINT = {"autocomplete": "off", "spellcheck": "false"}


class Photos(forms.FileInput):
    allow_multiple_selected = True

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        return super().build_attrs({**uploads.picker(), **base_attrs}, extra_attrs)


class PhotosField(forms.FileField):
    """Several files; what each of them holds is checked when it is stored (`foundation.uploads`)."""

    widget = Photos

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [file for file in (data if isinstance(data, list) else [data]) if file]


class KeyedForm(forms.Form):
    """A form whose second sending is recognised."""

    key = Words(widget=forms.HiddenInput, required=False, max_length=80)

    def clean_key(self) -> str:
        """A UUID of the page's making; anything else is replaced, so that no sender chooses another's key."""
        try:
            return str(uuid.UUID(self.cleaned_data["key"]))
        except ValueError:
            return str(uuid.uuid4())


class ContactForm(KeyedForm):
    """A contact is never asked for; it is kept apart from the report, and each reading of it is logged."""

    name = Words(label=_("称呼"), max_length=60, required=False)
    phone = Words(label=_("手机或电话"), max_length=30, required=False, validators=[PHONE])
    email = forms.EmailField(label=_("电子邮箱"), max_length=254, required=False)
    homepage = Words(label=_("网址（请留空）"), required=False, max_length=200)  # only machines fill it

    def clean_homepage(self) -> str:
        if self.cleaned_data["homepage"]:
            raise forms.ValidationError(gettext("请把这一栏留空：它用来识别自动程序"))
        return ""

    def contact(self) -> dict[str, Any]:
        return {name: self.cleaned_data.get(name, "") for name in ("name", "phone", "email")}


class ReportForm(ContactForm):
    text = Words(
        label=_("看到了什么"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
    category = forms.ChoiceField(label=_("问题类别"), required=False)
    photos = PhotosField(
        label=_("照片"),
        required=False,
    )
    position = Words(label=_("位置"), required=False, widget=forms.HiddenInput)  # carries what is wrong with the place
    address = Words(label=_("地址或附近的标志"), max_length=200, required=False)
    cell = Words(label=_("单元网格编码"), max_length=20, required=False, widget=forms.TextInput(attrs=HINT))
    lon = Words(label=_("经度"), max_length=30, required=False, widget=forms.TextInput(attrs=HINT))
    lat = Words(label=_("纬度"), max_length=30, required=False, widget=forms.TextInput(attrs=HINT))
    datum = forms.ChoiceField(
        label=_("坐标系"),
        required=False,
        choices=[
            ("wgs84", _("WGS-84（手机定位、本页地图）")),
            ("gcj02", _("GCJ-02（高德、腾讯地图）")),
            ("bd09", _("BD-09（百度地图）")),
        ],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.categories = {c.key: c for c in queries.public_categories()}
        groups = queries.grouped(list(self.categories.values()))
        self.fields["category"].choices = [("", gettext("不清楚可以不选")), *groups]  # type: ignore[attr-defined]

    def clean_category(self) -> Category | None:
        return self.categories.get(self.cleaned_data["category"])

    def clean_datum(self) -> str:
        return DATUMS[self.cleaned_data["datum"] or "wgs84"]

    def faulty(self, errors: dict[str, Any]) -> None:
        """Take the loop's errors over, each beside the field that it is about."""
        for name, message in errors.items():
            self.add_error(name if name in self.fields else None, str(message))


class AddForm(KeyedForm):
    """More words and photos from whoever reported, on the page that number and code open."""

    text = Words(label=_("补充说明"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 3}))
    photos = PhotosField(label=_("照片"), required=False)


class MeTooForm(ContactForm):
    text = Words(label=_("补充说明"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class FollowForm(forms.Form):
    number = Words(label=_("案件编号"), max_length=30, widget=forms.TextInput(attrs=HINT))
    code = Words(label=_("查询码"), max_length=30, widget=forms.TextInput(attrs=HINT))

    def clean_code(self) -> str:
        return "".join(c for c in self.cleaned_data["code"].upper() if c.isalnum())


YES_NO = [("yes", _("是")), ("no", _("否"))]


class CallbackForm(forms.Form):
    responded = forms.ChoiceField(label=_("有人联系过您吗"), choices=YES_NO, widget=forms.RadioSelect)
    resolved = forms.ChoiceField(label=_("问题解决了吗"), choices=YES_NO, widget=forms.RadioSelect)
    satisfied = forms.ChoiceField(label=_("您满意吗"), choices=YES_NO, widget=forms.RadioSelect)
    remark = Words(label=_("还有什么想说的"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 3}))


class FilterForm(forms.Form):
    """What is looked for in the list of cases; `since` and `until` are days of the district's calendar."""

    q = Words(label=_("搜索"), max_length=100, required=False)
    category = forms.ChoiceField(label=_("类别"), required=False)
    street = forms.ChoiceField(label=_("街道"), required=False)
    state = forms.ChoiceField(
        label=_("状态"),
        required=False,
        choices=[
            ("", _("全部")),
            ("open", _("办理中")),
            ("closed", _("已结案")),
            ("declined", _("未予立案")),
        ],
    )
    show = forms.ChoiceField(
        label=_("范围"), required=False, choices=[("", _("只看已公开")), ("all", _("全部，含未公开"))]
    )
    since = forms.DateField(label=_("从"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("到"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.categories = {c.key: c for c in queries.public_categories()}
        self.streets: dict[str, Place] = {s.code: s for s in queries.streets()}
        groups = queries.grouped(list(self.categories.values()))
        self.fields["category"].choices = [("", gettext("全部")), *groups]  # type: ignore[attr-defined]
        options = [("", gettext("全部")), *((code, named(place)) for code, place in self.streets.items())]
        self.fields["street"].choices = options  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        since, until = data.get("since"), data.get("until")
        if since and until and since > until:
            self.add_error("until", gettext("结束日期早于开始日期"))
        for name in ("since", "until"):
            if data.get(name) and not 1990 <= data[name].year <= clock.now().year + 1:
                self.add_error(name, gettext("年份应在 1990 年以后、明年以前"))
        return data

    def filters(self) -> queries.Filters:
        """The parts that are right; a faulty part asks for nothing and is named beside its field."""
        data = self.cleaned_data if self.is_bound and hasattr(self, "cleaned_data") else {}
        category = self.categories.get(data.get("category") or "")
        street = self.streets.get(data.get("street") or "")
        return queries.Filters(
            q=data.get("q") or "",
            category=category.pk if category else None,
            street=street.pk if street else None,
            state=data.get("state") or "",
            everything=data.get("show") == "all",
            since=data.get("since"),
            until=data.get("until"),
        )

    @property
    def active(self) -> int:
        """How many filters are set."""
        return sum(1 for name in self.fields if self.data.get(name))
