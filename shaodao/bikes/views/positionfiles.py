"""Files of positions sent by hand: short ones are answered at once, long ones have a page that says how far they are."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.bikes import feed_quality, settings, words
from shaodao.bikes.actions import feeding
from shaodao.bikes.ingest import plausible
from shaodao.bikes.ingest.sources import bulk, files
from shaodao.bikes.views.feeds import FORM, feeding_gate
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import jobs
from shaodao.foundation.errors import Refused
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job
from shaodao.kernel.datum import DATUMS

LARGEST = 500 * 2**20


class FileForm(forms.Form):
    """A file of positions. What is in it is judged by ingest/sources/files.py."""

    file = forms.FileField(
        label=gettext_lazy("位置文件"),
        help_text=format_lazy(
            gettext_lazy("CSV（UTF-8，也可压缩为 .csv.gz）或 Parquet，最多 {mb} MB"), mb=LARGEST // 2**20
        ),
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


@staff
@require_http_methods(FORM)
def upload(request: HttpRequest, code: str) -> HttpResponse:
    """GET shows the form, POST takes the file in and says what became of its rows, or keeps it and shows how far it is."""
    row, why = feeding_gate(request, code)
    form = FileForm(request.POST or None, request.FILES or None, initial={"datum": "WGS-84"})
    found: files.Filed | Job | None = None
    if request.method == "POST" and why:
        form.is_valid()
        form.add_error(None, why)
    elif request.method == "POST" and form.is_valid():
        given, datum = form.cleaned_data["file"], form.cleaned_data["datum"]
        try:
            with jobs.on_disk(given) as path:
                found = feeding.hand_in(row, path, datum, actor_of(request), name=given.name)
        except Unreadable as error:
            form.add_error("file", str(error))
        except Refused as error:  # somebody ended the admission meanwhile, or too many files wait
            form.add_error(None, str(error.reason))
    if isinstance(found, Job):
        return redirect("bikes_upload_job", code, found.pk)
    context = {
        "operator": row,
        "form": form,
        "why": why,
        "waiting": jobs.of(bulk.KIND, feeding.subject_of(row)).filter(state__in=jobs.OPEN),
        "at_once": feeding.AT_ONCE,
        "columns": _columns(),
        "limits": settings.current().ingest,
        **(outcome(found, form.cleaned_data["datum"]) if found else {}),
    }
    return render(request, "bikes/upload.html", context, status=422 if form.errors else 200)


def outcome(found: files.Filed, datum: str) -> dict[str, Any]:
    """What both pages say of rows that were taken in."""
    return {
        "found": found,
        "findings": plausible.said(found.looks, 0, datum),
        "reasons": feed_quality.labelled(found.counts["reasons"]),
        "marked": feed_quality.labelled(found.counts["marked"]),
    }


def _job(operator: Any, pk: int) -> Job:
    found = jobs.of(bulk.KIND, feeding.subject_of(operator)).filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


@staff
@require_safe
def job(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """How far a long file is and what became of its rows so far."""
    row, _why = feeding_gate(request, code)
    found = _job(row, pk)
    said = outcome(files.Filed.of(found.result), found.options["datum"])
    return render(request, "bikes/upload_job.html", {"operator": row, "job": found, "ahead": jobs.ahead(found), **said})


@staff
@require_POST
def cancel(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Take no more rows of a file; those that were taken in stay."""
    row, _why = feeding_gate(request, code)
    try:
        feeding.cancel_file(row, _job(row, pk), actor_of(request))
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已取消，其余的行不再收"))
    return redirect("bikes_upload_job", code, pk)


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
