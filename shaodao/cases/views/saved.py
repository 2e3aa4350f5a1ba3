"""Saved views: a person's named filters."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shaodao.cases.forms import FilterForm, SavedViewForm
from shaodao.cases.models import SavedView
from shaodao.cases.requests import actor_of
from shaodao.cases.views.desk import inbox_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock

MOST = 50
KEPT = {*FilterForm.base_fields, "sort", "per"}


@staff
@require_POST
def saved(request: HttpRequest) -> HttpResponse:
    """Save, rename or delete a view (`do`), then back to the inbox that it belongs to."""
    box = inbox_of(request, request.POST.get("inbox", ""))
    query = _clean(request.POST.get("query", ""))
    handler = {"save": _save, "rename": _rename, "delete": _delete}.get(request.POST.get("do", ""))
    if handler is not None:
        handler(request, f"{box.key}?{query}")
    return redirect(f"{reverse('inbox', args=[box.key])}{'?' + query if query else ''}")


def _clean(text: str) -> str:
    """Only keys that a list knows, so that a saved view is a filter and nothing else."""
    given, kept = QueryDict(text[:1500]), QueryDict(mutable=True)
    for name in given:
        if name in KEPT:
            kept[name] = given[name].replace("\x00", "")
    return kept.urlencode()[:900]


def _name(request: HttpRequest) -> str | None:
    form = SavedViewForm(request.POST)
    if form.is_valid():
        return str(form.cleaned_data["name"])
    messages.error(request, " ".join(str(e) for errors in form.errors.values() for e in errors))
    return None


def _save(request: HttpRequest, query: str) -> None:
    name, person = _name(request), actor_of(request).person
    if name is None or person is None:
        return
    mine = SavedView.objects.filter(person=person)
    if mine.exclude(name=name).count() >= MOST:
        messages.error(request, _("最多保存 %(n)d 个视图，请先删除不用的") % {"n": MOST})
        return
    SavedView.objects.update_or_create(
        person=person, name=name, defaults={"query": query}, create_defaults={"query": query, "created_at": clock.now()}
    )
    messages.success(request, _("视图“%(name)s”已保存") % {"name": name})


def _rename(request: HttpRequest, query: str) -> None:
    row, name = _mine(request), _name(request)
    if row is None or name is None:
        return
    if SavedView.objects.filter(person=row.person, name=name).exclude(pk=row.pk).exists():
        messages.error(request, _("已有名为“%(name)s”的视图") % {"name": name})
        return
    row.name = name
    row.save(update_fields=["name"])
    messages.success(request, _("视图已改名为“%(name)s”") % {"name": name})


def _delete(request: HttpRequest, query: str) -> None:
    row = _mine(request)
    if row:
        row.delete()
        messages.success(request, _("视图已删除"))


def _mine(request: HttpRequest) -> SavedView | None:
    pk = request.POST.get("view", "")
    if not (pk.isascii() and pk.isdigit() and len(pk) <= 15):
        return None
    return SavedView.objects.filter(pk=int(pk), person=actor_of(request).person).first()
