"""Doing something on a case: the form of any action, its answer, and what to show when somebody was faster."""

import hashlib
import uuid
from types import SimpleNamespace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.cases import choices, queries, rules
from shaodao.cases.actions import perform
from shaodao.cases.forms import ActionForm
from shaodao.cases.lifecycle import BY_ACTION, Transition
from shaodao.cases.masking import masked
from shaodao.cases.models import Case
from shaodao.cases.queries import Loaded
from shaodao.cases.requests import actor_of
from shaodao.cases.views import panels, redaction, timeline
from shaodao.cases.views.gate import case_of, staff
from shaodao.foundation import clock
from shaodao.foundation.errors import Conflict, Invalid, Refused


@staff
@require_http_methods(["GET", "HEAD", "POST"])
def do(request: HttpRequest, number: str, action: str, on: int | None = None) -> HttpResponse:
    """GET shows the form of an action (or why it is not possible), POST does it, then back to the case."""
    t = BY_ACTION.get(action)
    if t is None or action in panels.NOT_HERE:
        raise Http404
    case, now = case_of(request, number), clock.now()
    loaded = queries.load(case, now)
    row, subject = loaded.row(t.on, on), loaded.subject(t.on, on)
    if t.on != "case" and (subject is None or row is None):
        raise Http404
    why, forbidden = rules.refusal(t, loaded.facts, subject, actor_of(request).facts, now)
    if request.method == "POST":
        return _post(request, t, loaded, row, on)
    if forbidden:
        raise PermissionDenied(why)
    preset = {name: request.GET[name] for name in ("category", "target") if name in request.GET}
    form = ActionForm(t, loaded, row, initial=preset)
    return _page(request, t, loaded, row, form, why=why)


def _post(request: HttpRequest, t: Transition, loaded: Loaded, row: Any, on: int | None) -> HttpResponse:
    form = ActionForm(t, loaded, row, data=request.POST, files=request.FILES)
    actor, case = actor_of(request), loaded.case
    seen = _version(request.POST.get("version", ""))
    try:
        data, reason = form.payload(actor.person)
        if t.action == "publish":
            redaction.apply(request, case, data)
        elif _unseen(request, t, case, data):
            return _page(request, t, loaded, row, form)
        perform(
            t.action,
            case.pk,
            actor,
            on=on,
            version=seen,
            key=request.POST.get("key", "")[:80],
            reason=reason,
            data=data,
        )
    except Invalid as error:
        form.fail(error.errors)
        return _page(request, t, loaded, row, form, status=422)
    except Refused as error:
        if error.forbidden:
            raise PermissionDenied(str(error.reason)) from None
        messages.error(request, _("没有执行“%(what)s”：%(why)s") % {"what": t.label, "why": error.reason})
        return redirect("case", case.number)
    except Conflict as error:
        return conflict(request, case, error, form)
    messages.success(request, _("“%(what)s”已完成") % {"what": t.label})
    return redirect(_after(request, case))


WRITES = {"note": "text", "close": "reply", "close_not_fixed": "reply"}  # texts that may stand on the public page


def _unseen_text(request: HttpRequest, data: dict[str, Any], name: str) -> bool:
    """Is this text for the public page, and has its writer not yet looked at it as the public will read it?"""
    return bool(data.get("public") and data.get(name)) and request.POST.get("previewed") != seal(data[name])


def _unseen_target(request: HttpRequest, case: Case, data: dict[str, Any]) -> bool:
    """Is there such a case, and has it not yet been looked at? A number that names none is the action's to refuse."""
    found = queries.by_number(str(data.get("target") or ""))
    return found is not None and found.pk != case.pk and request.POST.get("previewed") != seal(found.number)


def _unseen(request: HttpRequest, t: Transition, case: Case, data: dict[str, Any]) -> bool:
    """Some things are looked at before they are done: words for the public, the case that another is merged into."""
    if t.action == "merge":
        return _unseen_target(request, case, data)
    return t.action in WRITES and _unseen_text(request, data, WRITES[t.action])


def seal(text: str) -> str:
    """A mark of exactly this text: another text wants another look."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _after(request: HttpRequest, case: Case) -> str:
    """The case again; or the desk, when it is no longer this person's to see."""
    visible = queries.visible_to(actor_of(request).facts).filter(pk=case.pk).exists()
    return reverse("case", args=[case.number]) if visible else reverse("work")


def _version(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _page(
    request: HttpRequest,
    t: Transition,
    loaded: Loaded,
    row: Any,
    form: ActionForm,
    *,
    why: Any = None,
    status: int = 200,
) -> HttpResponse:
    case = loaded.case
    context = {
        "case": case,
        "t": t,
        "form": form,
        "why": why,
        "on": row,
        "on_label": panels.part_label(t.on, row, loaded) if row else "",
        "version": request.POST.get("version") or case.version,
        "key": request.POST.get("key") or uuid.uuid4().hex,
        "light": panels.header_light(case, clock.now()),
        "reports": list(case.reports.all()[:3]),
        "numbers": panels.beside(t.action, loaded, row) if row else [],
        "ruled_before": panels.precedents(case) if t.action == "rule_dispute" else [],
    }
    name = WRITES.get(t.action, "")
    if name and request.method == "POST" and form["public"].value() and (text := form[name].value()):
        context["preview"] = {"text": masked(text), "seal": seal(text), "masked": masked(text) != text}
    if t.action == "merge":
        target = panels.merge_target(case, str(form["target"].value() or ""), clock.now())
        if target:
            context["target"] = {**target, "seal": seal(target["case"].number)}
        context["candidates"] = panels.candidates(case, clock.now())
    if t.action == "publish":
        context["notes"] = [masked(n.text) for n in case.notes.filter(public=True)]
        context["photos"] = redaction.offered(case, form)
        return render(request, "cases/publish.html", context, status=status)
    return render(request, "cases/do.html", context, status=status)


def conflict(request: HttpRequest, case: Case, error: Conflict, form: ActionForm | None = None) -> HttpResponse:
    """409: what happened to the case since the page was opened, and what had been typed."""
    case.refresh_from_db()
    events = timeline.events(case, since=error.seen)
    shown = [{"at": e.at, "who": e.who, "what": e.what, "note": _("；").join(e.lines())} for e in events]
    context = {
        "case": SimpleNamespace(number=case.number, title=case.summary),
        "case_url": reverse("case", args=[case.number]),
        "events": shown,
        "submitted": _submitted(form) if form else [],
    }
    return render(request, "shaodao/conflict.html", context, status=409)


def _submitted(form: ActionForm) -> list[tuple[Any, str]]:
    """What had been written by hand, so that it can be copied into the next try."""
    texts = [(f.label, form[name].value()) for name, f in form.fields.items() if name in form.data]
    return [(label, value) for label, value in texts if isinstance(value, str) and value and len(value) > 1]


@staff
@require_safe
def conditions(request: HttpRequest) -> HttpResponse:
    """The filing conditions of `?category=`, as options for the select that depends on it."""
    context = {"conditions": choices.conditions(request.GET.get("category"))}
    return render(request, "cases/conditions.html", context)
