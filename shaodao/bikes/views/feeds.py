"""How an operator's positions come in: the feed that is fetched, and files sent by hand with what became of their rows."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.bikes import feed_quality, settings, words
from shaodao.bikes.actions import feeding
from shaodao.bikes.bays.files import Unreadable
from shaodao.bikes.ingest import plausible
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.models import OperatorFeed
from shaodao.bikes.requests import operator_of
from shaodao.cases.forms import add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation.errors import Invalid, Refused
from shaodao.kernel.datum import DATUMS

FORM = ["GET", "HEAD", "POST"]
LARGEST = 500 * 2**20


class FileForm(forms.Form):
    """A file of positions. What is in it is judged by ingest/sources/files.py."""

    file = forms.FileField(
        label=gettext_lazy("位置文件"),
        help_text=gettext_lazy("CSV（UTF-8，也可压缩为 .csv.gz）或 Parquet"),
        allow_empty_file=True,
        max_length=300,
        widget=forms.FileInput({"accept": ".csv,.gz,.parquet,.pq"}),
    )
    datum = forms.ChoiceField(
        label=gettext_lazy("坐标系"),
        choices=[(name, name) for name in DATUMS],
        help_text=gettext_lazy("手机地图常用 GCJ-02（火星坐标），GPS 设备是 WGS-84"),
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LARGEST:
            raise forms.ValidationError(_("文件太大，最多 %(n)d MB") % {"n": LARGEST // 2**20})
        return self.cleaned_data["file"]


class FeedForm(forms.Form):
    """Where the feed is fetched. What is right is said by `feeding.set_feed`."""

    url = forms.CharField(
        label=gettext_lazy("GBFS 地址"), max_length=500,
        help_text=gettext_lazy("gbfs.json 的网址，2.x 或 3.x；车辆编号应不随行程改变（非公开数据源）"),
        widget=forms.TextInput({"inputmode": "url", "autocomplete": "off"}),
    )  # fmt: skip
    header = forms.CharField(
        label=gettext_lazy("请求头"), max_length=60, required=False, empty_value="",
        help_text=gettext_lazy("数据源要求密钥时填写，例如 Authorization；不要求就留空"),
    )  # fmt: skip
    secret = forms.CharField(
        label=gettext_lazy("密钥"), required=False, help_text=gettext_lazy("只发给这个地址的服务器；保存后不再显示，留空则不变"),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )  # fmt: skip
    datum = forms.ChoiceField(
        label=gettext_lazy("坐标系"), choices=[(name, name) for name in DATUMS],
        help_text=gettext_lazy("GBFS 规定为 WGS-84；企业确认用了别的才改"),
    )  # fmt: skip
    interval_s = forms.IntegerField(
        label=gettext_lazy("间隔（秒）"), min_value=feeding.SHORTEST_S, max_value=feeding.LONGEST_S,
        widget=forms.TextInput({"inputmode": "numeric", "maxlength": "4"}),
    )  # fmt: skip
    active = forms.BooleanField(label=gettext_lazy("启用"), required=False)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))


def feeding_gate(request: HttpRequest, code: str) -> tuple[Any, str]:
    """(operator, why its positions cannot be handed in now, or ""); 403 for those who are no party to it."""
    row = operator_of(request, code)
    try:
        feeding.may_feed(row, actor_of(request))
    except Refused as error:
        if error.forbidden:
            raise PermissionDenied(str(error.reason)) from None
        return row, str(error.reason)
    return row, ""


@staff
@require_safe
def feed(request: HttpRequest, code: str) -> HttpResponse:
    """What is set, how the last fetch went, and what the positions look like."""
    row, why = feeding_gate(request, code)
    found = OperatorFeed.objects.select_related("changed_by").filter(operator=row).first()
    said = plausible.said(found.looks, found.clock_hours, found.datum) if found else []
    return render(request, "bikes/feed.html", {"operator": row, "feed": found, "why": why, "findings": said})


@staff
@require_http_methods(FORM)
def set_feed(request: HttpRequest, code: str) -> HttpResponse:
    """The form of the feed's address."""
    row, why = feeding_gate(request, code)
    found = OperatorFeed.objects.filter(operator=row).first()
    fields = ("url", "header", "datum", "interval_s", "active")
    form = FeedForm(request.POST or None, initial={name: getattr(found or OperatorFeed(), name) for name in fields})
    if request.method == "POST" and form.is_valid():
        try:
            feeding.set_feed(row, form.cleaned_data, actor_of(request))
        except Invalid as error:
            add_errors(form, error.errors)
        except Refused as error:
            form.add_error(None, str(error.reason))
        else:
            messages.success(request, _("已保存"))
            return redirect("bikes_feed", code)
    context = {"operator": row, "form": form, "why": why, "feed": found}
    return render(request, "bikes/feed_set.html", context, status=422 if form.errors else 200)


@staff
@require_POST
def pull(request: HttpRequest, code: str) -> HttpResponse:
    """Fetch now, and back to the feed's page, which says what came."""
    row, _why = feeding_gate(request, code)
    try:
        done = feeding.pull_feed(row, actor_of(request))
    except Refused as error:
        messages.error(request, str(error.reason))
        return redirect("bikes_feed", code)
    if not done.ok:
        messages.error(request, _("没有读到：%(why)s") % {"why": done.fault})
    elif done.unchanged:
        messages.success(request, _("与上次相同，没有新的位置"))
    else:
        counts = done.as_dict()
        messages.success(request, _("读到 %(received)d 辆：收下 %(kept)d，未收 %(rejected)d。") % counts)
    return redirect("bikes_feed", code)


@staff
@require_http_methods(FORM)
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """GET shows the form, POST takes the file in and says what became of its rows."""
    row, why = feeding_gate(request, code)
    form = FileForm(request.POST or None, request.FILES or None, initial={"datum": "WGS-84"})
    found = None
    if request.method == "POST" and why:
        form.is_valid()
        form.add_error(None, why)
    elif request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            with on_disk(given) as path:
                found = feeding.take_file(row, path, form.cleaned_data["datum"], actor_of(request), name=given.name)
        except Unreadable as error:
            form.add_error("file", str(error))
        except Refused as error:  # somebody ended the admission meanwhile
            form.add_error(None, str(error.reason))
    context = {
        "operator": row,
        "form": form,
        "why": why,
        "found": found,
        "findings": plausible.said(found.looks, 0, form.cleaned_data["datum"]) if found else [],
        "reasons": feed_quality.labelled(found.counts["reasons"]) if found else [],
        "marked": feed_quality.labelled(found.counts["marked"]) if found else [],
        "columns": _columns(),
        "limits": settings.current().ingest,
    }
    return render(request, "bikes/upload.html", context, status=422 if form.errors else 200)


@contextmanager
def on_disk(given: Any) -> Iterator[Path]:
    """The uploaded file as a file, whose name ends with .gz if it is packed."""
    if isinstance(given, TemporaryUploadedFile):
        yield Path(given.temporary_file_path())
        return
    handle, path = tempfile.mkstemp(suffix=".gz" if given.name.lower().endswith(".gz") else "")
    try:
        with os.fdopen(handle, "wb") as file:
            for part in given.chunks():
                file.write(part)
        yield Path(path)
    finally:
        os.unlink(path)


def _columns() -> list[tuple[str, str, str]]:
    """(name, other names, what belongs into it) of each column, for the page."""
    help = {
        "vehicle_id": _("必填；企业推送位置时用的编号，不随行程改变"),
        "time": _("必填；2021-05-24 09:00:00（本地时间）、2021-05-24T01:00:00Z，或自 1970 年起的秒数、毫秒数"),
        "lon": _("必填；度"),
        "lat": _("必填；度"),
        "accuracy": _("可缺；定位精度，米"),
        "state": " / ".join(f"{s.value} {s.label}" for s in words.FeedState if s != words.FeedState.GONE),
    }
    return [(name, "、".join(files.WANTED[name][-2:]), text) for name, text in help.items()]
