"""The weather of a day as one table: typed in all at once, or fetched from the service that the pack names."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from shaodao.book.forms import Failing
from shaodao.book.kinds import show
from shaodao.book.views.rows import FORM, editor
from shaodao.cases.forms import RawText
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused
from shaodao.foundation.maps import Unreadable
from shaodao.foundation.tables import Bad
from shaodao.foundation.tables import day as a_day
from shaodao.sanitation import queries, settings
from shaodao.sanitation.kinds import MODE, WEATHER
from shaodao.sanitation.requests import enter
from shaodao.sanitation.weather import actions, fetching, stops


class DayForm(Failing):
    """24 hours of three readings, and a reason."""

    def __init__(self, rows: dict[int, Any], may: bool, **given: Any) -> None:
        super().__init__(**given)
        for hour in actions.HOURS:
            for name, column in actions.COLUMNS.items():
                words = f"{hour:02}:00 {column.label}"
                attrs = {
                    "aria-label": words,
                    "inputmode": "decimal",
                    "autocomplete": "off",
                    "class": "form-control form-control-sm",
                }
                if not may:
                    attrs["readonly"] = ""
                row = rows.get(hour)
                self.fields[f"{name}_{hour}"] = RawText(
                    label=words, required=False, widget=forms.TextInput(attrs),
                    initial=show(getattr(row, name)) if row is not None else "",
                )  # fmt: skip
        self.fields["reason"] = RawText(
            label=_("理由"), required=False, widget=forms.TextInput({"maxlength": 300}), help_text=_("记入历史")
        )

    def hours(self) -> list[tuple[int, list[Any]]]:
        return [(hour, [self[f"{name}_{hour}"] for name in actions.COLUMNS]) for hour in actions.HOURS]

    def raw(self) -> dict[tuple[int, str], str]:
        self.full_clean()
        return {(hour, name): self.said(f"{name}_{hour}") for hour in actions.HOURS for name in actions.COLUMNS}


def day_of(request: HttpRequest) -> date:
    """The day of the address; today where there is none or it cannot be read."""
    try:
        found = a_day(request.GET.get("day", "").strip())
    except Bad:
        found = None
    return found if found and 2000 <= found.year < 2100 else clock.local(clock.now()).date()


@staff
@require_http_methods(FORM)
def day(request: HttpRequest) -> HttpResponse:
    """GET shows a day's hours, POST keeps them all at once."""
    enter(request)
    may = queries.may_edit(actor_of(request))
    chosen, status, since = day_of(request), 200, []
    rows = actions.of(chosen)
    posted = request.method == "POST"
    form = DayForm(rows, may, data=request.POST if posted else None)
    was = actions.seen(rows)
    if posted:
        actor = editor(request, WEATHER)
        try:
            counts = actions.keep_day(
                chosen, form.raw(), actor, was=request.POST.get("seen"), reason=form.said("reason")
            )
        except Invalid as error:
            form.fail(error.errors)
            status, was = 422, request.POST.get("seen", "")
        except Conflict:
            status, since = 409, sorted(rows.values(), key=lambda row: row.valid_from)[-3:]
        else:
            told = counts.as_dict()
            messages.success(
                request, _("新增 %(new)d，修改 %(changed)d，恢复 %(restored)d，不变 %(unchanged)d。") % told
            )
            return redirect(f"{reverse('sanitation_weather')}?day={chosen.isoformat()}")
    modes = MODE.model.objects.filter(active=True).order_by("priority", "code")
    context = {
        "day": chosen, "before": chosen - timedelta(days=1), "after": chosen + timedelta(days=1),
        "form": form, "seen": was, "since": since, "edits": may, "conflict": status == 409,
        "columns": [column.label for column in actions.COLUMNS.values()],
        "illustrative": any(row.illustrative for row in rows.values()),
        "stops": stops.of(chosen, modes), "service": bool(settings.current().weather_url), "last": fetching.last(),
    }  # fmt: skip
    return render(request, "sanitation/weather.html", context, status=status)


@staff
@require_POST
def fetch(request: HttpRequest) -> HttpResponse:
    """Ask the service now."""
    enter(request)
    actor = editor(request, WEATHER)
    try:
        found = fetching.fetch(actor.person)
    except (Unreadable, Refused) as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, _("取到 %(hours)d 个小时：新增 %(new)d，修改 %(changed)d，手填的 %(typed)d 个未动。") % found
        )
    return redirect("sanitation_weather")
