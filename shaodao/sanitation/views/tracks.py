"""What was heard of each vehicle on a day, what the doors left out, and files of fixes sent by hand."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, jobs
from shaodao.foundation.errors import Refused
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.models import Job
from shaodao.kernel.datum import DATUMS
from shaodao.sanitation import queries, settings
from shaodao.sanitation.tracks import files, receive, summary
from shaodao.sanitation.tracks.receive import Received
from shaodao.sanitation.views.bins import asked_day
from shaodao.sanitation.words import TrackFault, TrackMark

LARGEST = 500 * 2**20


class FileForm(forms.Form):
    """A file of fixes. What is in it is judged by tracks/reading.py."""

    file = forms.FileField(
        label=gettext_lazy("轨迹文件"),
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
        help_text=gettext_lazy("只用于写车辆的行；写终端的行按终端登记的坐标系"),
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **(given | {"label_suffix": ""}))

    def clean_file(self) -> Any:
        if self.cleaned_data["file"].size > LARGEST:
            raise forms.ValidationError(_("文件太大，最多 %(n)d MB") % {"n": LARGEST // 2**20})
        return self.cleaned_data["file"]


def keeper(request: HttpRequest) -> None:
    """403 for all but who keeps the book: where vehicles are is work data of their crews."""
    if not queries.may_edit(actor_of(request)):
        raise PermissionDenied(_("您的岗位看不到这个页面"))


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def tracks(request: HttpRequest) -> HttpResponse:
    """GET shows the day; POST takes a file in and says what became of its rows, or keeps it and shows how far it is."""
    keeper(request)
    form = FileForm(request.POST or None, request.FILES or None, initial={"datum": "WGS-84"})
    found: Received | Job | None = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        try:
            with jobs.on_disk(given) as path:
                found = files.hand_in(path, form.cleaned_data["datum"], actor_of(request), name=given.name)
        except Unreadable as error:
            form.add_error("file", str(error))
        except Refused as error:  # too many files wait
            form.add_error(None, str(error.reason))
    if isinstance(found, Job):
        return redirect("sanitation_tracks_job", found.pk)
    day = asked_day(request)
    heard, doors = summary.vehicles(day), summary.doors(day)
    context = {
        "day": day,
        "today": clock.local(clock.now()).date(),
        "heard": heard,
        "seen": [v for v in heard if v.fixes or v.faults],
        "silent": [v for v in heard if not (v.fixes or v.faults)],
        "n_heard": sum(v.fixes > 0 for v in heard),
        "n_fixes": sum(v.fixes for v in heard),
        "n_left": sum(door.rejected for door in doors),
        "n_failed": sum(door.failures for door in doors),
        "doors": doors,
        "examples": [(door.label, row) for door in doors for row in door.examples][:20],
        "illustrative": any(v.vehicle.illustrative for v in heard),
        "form": form,
        "waiting": jobs.of(files.KIND, files.SUBJECT).filter(state__in=jobs.OPEN),
        "limits": settings.current(),
        **(outcome(found, form.cleaned_data["datum"]) if found else {}),
    }
    return render(request, "sanitation/tracks.html", context, status=422 if form.errors else 200)


def outcome(found: Received, datum: str) -> dict[str, Any]:
    """What both pages say of rows that were taken in."""
    words: dict[str, Any] = {**dict(TrackFault.choices), **dict(TrackMark.choices)}
    return {
        "found": found,
        "datum": datum,
        "reasons": [(words.get(code, code), n) for code, n in found.reasons.items()],
        "marks": [(words.get(code, code), n) for code, n in found.marked.items()],
        "faults": [{**row, "line": row["row"] + 2} for row in receive.said(found.faults)[:20]],
    }


def _job(pk: int) -> Job:
    found = jobs.of(files.KIND, files.SUBJECT).filter(pk=pk).first() if pk < 2**63 else None
    if found is None:
        raise Http404
    return found


@staff
@require_safe
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a long file is and what became of its rows so far."""
    keeper(request)
    found = _job(pk)
    said = outcome(Received(**found.result), found.options["datum"])
    return render(request, "sanitation/tracks_job.html", {"job": found, "ahead": jobs.ahead(found), **said})


@staff
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Take no more rows of a file; those that were taken in stay."""
    keeper(request)
    try:
        files.cancel(_job(pk), actor_of(request))
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已取消，其余的行不再收"))
    return redirect("sanitation_tracks_job", pk)
