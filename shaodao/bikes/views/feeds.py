"""How an operator's positions come in: the feed that is fetched, and the latest of the files that were sent."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.bikes.actions import feeding
from shaodao.bikes.ingest import plausible
from shaodao.bikes.ingest.sources import bulk
from shaodao.bikes.models import OperatorFeed
from shaodao.bikes.requests import operator_of
from shaodao.cases.forms import add_errors
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import jobs
from shaodao.foundation.errors import Invalid, Refused
from shaodao.kernel.datum import DATUMS

FORM = ["GET", "HEAD", "POST"]
FILES = 5  # that are listed


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
    said = []
    if found:
        stations = None if found.stations_say is None else (found.stations_say, found.stations_listed or 0)
        said = plausible.said(found.looks, found.clock_hours, found.datum, stations)
    sent = jobs.of(bulk.KIND, feeding.subject_of(row))[:FILES]
    return render(
        request, "bikes/feed.html", {"operator": row, "feed": found, "why": why, "findings": said, "files": sent}
    )


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
