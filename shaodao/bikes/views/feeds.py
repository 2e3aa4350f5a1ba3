"""How an operator's positions come in: a file sent by hand, with what became of its rows."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from shaodao.bikes import settings, words
from shaodao.bikes.actions import feeding
from shaodao.bikes.bayfiles import Unreadable
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.requests import operator_of
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation.errors import Refused
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
        "reasons": labelled(found.counts["reasons"]) if found else [],
        "marked": labelled(found.counts["marked"]) if found else [],
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


def labelled(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(code, words, number) of reasons and marks, the most frequent first."""
    known = {str(reason.value): str(reason.label) for reason in words.Reason} | words.flag_labels()
    return sorted(((code, known.get(code, code), n) for code, n in counts.items()), key=lambda row: (-row[2], row[0]))


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
