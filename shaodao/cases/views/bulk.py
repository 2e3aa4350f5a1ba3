"""One action on several chosen cases; each that could not be done is named with the reason."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shaodao.cases import choices, queries
from shaodao.cases.actions import Actor, perform
from shaodao.cases.lifecycle import BY_ACTION
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation.errors import Conflict, Invalid, Refused

ALLOWED = {"dispatch", "urge"}
MOST = 200


@staff
@require_POST
def bulk(request: HttpRequest) -> HttpResponse:
    """POST `do` (dispatch or urge), `case` ("id:version", several), `lead`, `supports`, `reason`, `key`, `back`."""
    action = request.POST.get("do", "")
    back = _back(request.POST.get("back", ""))
    if action not in ALLOWED:
        return redirect(back)
    actor, chosen = actor_of(request), _chosen(request.POST.getlist("case"))
    data: dict[str, Any] = {}
    if action == "dispatch":
        data = {"lead": request.POST.get("lead", ""), "supports": request.POST.getlist("supports")}
    cases = queries.visible_to(actor.facts).select_related("category", "street").in_bulk(list(chosen))
    reason, key = request.POST.get("reason", ""), request.POST.get("key", "")[:40]
    done, failed, faulty = [], [], False
    for pk, version in chosen.items():
        case = cases.get(pk)
        if case is None:
            continue
        why, missing = _one(action, case, actor, version, f"{key}:{pk}" if key else None, reason, data)
        if why:
            failed.append({"case": case, "why": why, "version": version})
            faulty = faulty or missing
        else:
            done.append(case)
    context = {
        "label": BY_ACTION[action].label,
        "done": done,
        "failed": failed,
        "back": back,
        "chosen": len(chosen),
        "faulty": faulty,  # what was typed is at fault: it can be mended here, with the same cases ticked
        "bulk": [action],
        "units": choices.units(None) if faulty and action == "dispatch" else [],
        "given": {"reason": reason, **data},
        "key": uuid.uuid4().hex,
    }
    return render(request, "cases/bulk.html", context, status=200 if done or not failed else 409)


def _one(
    action: str, case: Case, actor: Actor, version: int, key: str | None, reason: str, data: dict[str, Any]
) -> tuple[str, bool]:
    """Do it on one case in a transaction of its own; why it was not done (nothing when it was), and whether what was
    typed is the reason."""
    try:
        perform(action, case.pk, actor, version=version, key=key, reason=reason, data=data)
    except Invalid as error:
        names = {f.name: str(f.label) for f in BY_ACTION[action].fields} | {"reason": str(_("理由"))}
        return _("；").join(f"{names.get(k, k)}{_('：')}{v}" for k, v in error.errors.items()), True
    except Refused as error:
        return str(error.reason), False
    except Conflict:
        return _("案件刚刚有变化，请打开看过再办"), False
    return "", False


def _chosen(values: list[str]) -> dict[int, int]:
    """Case id → version seen, of what can be read."""
    found: dict[int, int] = {}
    for value in values[:MOST]:
        pk, _colon, version = value.partition(":")
        if all(t.isascii() and t.isdigit() and len(t) <= 15 for t in (pk, version)):
            found[int(pk)] = int(version)
    return found


def _back(path: str) -> str:
    """Back to one of our own lists, never elsewhere."""
    return path if path.startswith(reverse("work")) and "\n" not in path else reverse("work")
