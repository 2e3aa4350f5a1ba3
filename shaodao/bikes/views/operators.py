"""The list of operators, the file of one, and every action on it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shaodao.bikes import queries, rules, settings, tables, timeline
from shaodao.bikes.actions import enrol, perform
from shaodao.bikes.actions.registry import MOST_PROBLEMS, BadTable
from shaodao.bikes.admission import BY_ACTION, MACHINE, OWNER, REVIEWER, Transition
from shaodao.bikes.forms import ActionForm, EnrolForm
from shaodao.bikes.ingest import doors
from shaodao.bikes.models import Operator
from shaodao.bikes.queries import Loaded
from shaodao.bikes.requests import enter, operator_of
from shaodao.bikes.words import OperatorState, PaperState
from shaodao.cases.lifecycle import SYSTEM
from shaodao.cases.requests import actor_of
from shaodao.cases.views.gate import staff
from shaodao.foundation import clock, log, papers
from shaodao.foundation.errors import Conflict, Invalid, Refused

PER_PAGE = 50
FORM = ["GET", "HEAD", "POST"]


def words_of(request: HttpRequest, name: str = "q") -> str:
    """A search text of the address, fit for a query."""
    return "".join(c for c in request.GET.get(name, "") if c >= " ").strip()[:80]


@staff
@require_safe
def operators(request: HttpRequest) -> HttpResponse:
    """Everybody's operators with state, quota and fleet; an operator's account goes straight to its own file."""
    enter(request)
    facts = actor_of(request).facts
    rows = queries.visible(facts)
    whole = rules.reads_all(facts, queries.reviewer_id())
    if not whole and rows.count() == 1:
        return redirect("bikes_operator", rows.get().organisation.code)
    state, text = request.GET.get("state", ""), words_of(request)
    wanted = queries.listed(rows).order_by("organisation__code")
    wanted = wanted.filter(state=state) if state in OperatorState.values else wanted
    wanted = queries.named_like(wanted, text) if text else wanted
    context = {
        "page": Paginator(wanted, PER_PAGE).get_page(request.GET.get("page")),
        "sums": queries.overview(queries.visible(facts)) if whole else None,
        "states": OperatorState.choices,
        "state": state,
        "q": text,
        "whole": whole,
        "reviews": rules.reviews(facts, queries.reviewer_id()),
    }
    return render(request, "bikes/operators.html", context)


@staff
@require_http_methods(FORM)
def new(request: HttpRequest) -> HttpResponse:
    """Open the file of a newcomer."""
    actor = actor_of(request)
    if not rules.reviews(actor.facts, queries.reviewer_id()):
        raise PermissionDenied(_("您的岗位没有此项权限"))
    form = EnrolForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            done = enrol(actor, **form.cleaned_data)
        except Invalid as error:
            form.fail(error.errors)
        except Refused as error:
            form.fail({"code": error.reason})
        else:
            messages.success(
                request, _("已建档。请系统管理员在“人员岗位”里为它设“企业经办人”账号，由企业自己提交申请。")
            )
            return redirect("bikes_operator", done.operator.organisation.code)
    return render(request, "bikes/new.html", {"form": form}, status=422 if form.errors else 200)


@staff
@require_safe
def operator(request: HttpRequest, code: str) -> HttpResponse:
    """The file: figures and fleet for all who may read; papers, events, contact and tokens for both parties only."""
    row, actor = operator_of(request, code), actor_of(request)
    loaded = queries.load(row, clock.now())
    parties = rules.parties(loaded.facts, actor.facts)
    context: dict[str, Any] = {
        "operator": row,
        "facts": loaded.facts,
        "party": bool(parties),
        "tally": queries.tally(row),
        "numbers": settings.current(),
    }
    if parties:
        context |= {
            "checklist": _checklist(loaded, parties),
            "offers": [o for o in rules.offers(loaded.facts, actor.facts) if o.allowed],
            "refused": [o for o in rules.offers(loaded.facts, actor.facts) if not o.allowed],
            "may": {
                name: rules.refusal(BY_ACTION[name], loaded.facts, None, actor.facts)[0] is None
                for name in ("hand_in", "save", "issue_token", "import_vehicles")
            },
            "tokens": [_token(t) for t in queries.bike_tokens(row)],
            "doors": doors.of(row),
            "events": timeline.events(row),
            "owner": OWNER in parties,
        }
    return render(request, "bikes/operator.html", context)


def _token(row: Any) -> Any:
    row.live = row.revoked_at is None and (row.expires_at is None or row.expires_at > clock.now())
    return row


def _checklist(loaded: Loaded, parties: frozenset[str]) -> list[dict[str, Any]]:
    """Each item with the paper that stands for it, those before it, and whether it can be reviewed now."""
    review, found = BY_ACTION["review_paper"], []
    now_reviewed = REVIEWER in parties and loaded.facts.state in review.sources
    items = [*loaded.items, *(p.item for p in loaded.papers if not p.item.active)]
    for item in {i.pk: i for i in items}.values():
        rows = [p for p in loaded.papers if p.item_id == item.pk]
        paper = rows[-1] if rows and rows[-1].state != PaperState.REPLACED else None
        found.append(
            {
                "item": item,
                "paper": paper,
                "older": rows[:-1] if paper else rows,
                "stale": bool(paper and paper.valid_until and paper.valid_until < loaded.facts.today),
                "review": bool(paper and now_reviewed),
            }
        )
    return found


@staff
@require_safe
def paper(request: HttpRequest, code: str, pk: int) -> HttpResponseBase:
    """A paper as it came in, as a download, for both parties; each reading is a line of the log."""
    row, actor = operator_of(request, code), actor_of(request)
    code = row.organisation.code
    found = row.papers.select_related("upload", "item").filter(pk=pk).first()
    if found is None:
        raise Http404
    loaded = queries.load(row, clock.now())
    if not rules.parties(loaded.facts, actor.facts):
        raise PermissionDenied(_("申请材料只有本企业和审查人员看得到"))
    stored = found.upload.original
    if not stored.name or not stored.storage.exists(stored.name):
        raise Http404
    log.write("operator.paper", f"operator:{code}", actor=actor.person, data={"paper": pk, "item": found.item.code})
    kind = found.upload.content_type
    name = f"{code}-{found.item.code}-{pk}.{papers.TYPES[kind]}"
    response = FileResponse(stored.open("rb"), content_type=kind, as_attachment=True, filename=name)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response


# ── actions ──────────────────────────────────────────────────────────────────────────────────────────────────────


@staff
@require_http_methods(FORM)
def do(request: HttpRequest, code: str, action: str, on: int | None = None) -> HttpResponse:
    """GET shows the form of an action (or why it is not possible), POST does it, then back to the file."""
    t = BY_ACTION.get(action)
    if t is None or t.roles == {SYSTEM} or any(f.kind == MACHINE for f in t.fields):
        raise Http404
    row, actor = operator_of(request, code), actor_of(request)
    loaded = queries.load(row, clock.now())
    if bool(t.on) != (on is not None) or (on is not None and loaded.paper(on) is None):
        raise Http404
    why, forbidden = rules.refusal(t, loaded.facts, loaded.facts.paper(on), actor.facts)
    if forbidden:
        raise PermissionDenied(why)
    if request.method == "POST":
        return _post(request, t, loaded, on)
    given = {k: request.GET[k] for k in ("item", "token", "quota", "reason") if k in request.GET}
    form = ActionForm(t, loaded, actor.person, initial=given)
    return _page(request, t, loaded, on, form, why=why)


def _post(request: HttpRequest, t: Transition, loaded: Loaded, on: int | None) -> HttpResponse:
    form = ActionForm(t, loaded, actor_of(request).person, data=request.POST, files=request.FILES)
    code = loaded.operator.organisation.code
    try:
        data, reason = form.payload()
        seen = request.POST.get("version", "")
        version = int(seen) if seen.isascii() and seen.isdigit() and len(seen) <= 9 else None
        done = perform(
            t.action, loaded.operator.pk, actor_of(request), on=on, version=version, reason=reason, data=data
        )
    except BadTable as error:
        form.fail(error.errors)
        return _page(request, t, loaded, on, form, status=422, problems=error.problems)
    except Invalid as error:
        form.fail(error.errors)
        return _page(request, t, loaded, on, form, status=422)
    except Refused as error:
        if error.forbidden:
            raise PermissionDenied(str(error.reason)) from None
        messages.error(request, _("没有执行“%(what)s”：%(why)s") % {"what": t.label, "why": error.reason})
        return redirect("bikes_operator", code)
    except Conflict as error:
        row = error.subject
        fresh = queries.load(row, clock.now())
        return _page(request, t, fresh, on, form, status=409, since=timeline.events(row, since=error.seen))
    if t.action == "issue_token":
        context = {"operator": done.operator, "plain": done.result, "name": done.event.data["name"]}
        return render(request, "bikes/token.html", context)
    messages.success(request, _said(t, done.result))
    return redirect("bikes_vehicles" if t.action == "import_vehicles" else "bikes_operator", code)


def _said(t: Transition, result: Any) -> str:
    if t.action != "import_vehicles":
        return _("“%(what)s”已完成") % {"what": t.label}
    text = _("读入 %(read)d 行：新增 %(created)d，更新 %(updated)d，未变 %(unchanged)d。") % result
    return text + (_("台账超出配额 %(over)d 辆。") % result if result["over"] else "")


def _page(
    request: HttpRequest,
    t: Transition,
    loaded: Loaded,
    on: int | None,
    form: ActionForm,
    *,
    why: Any = None,
    status: int = 200,
    problems: Any = (),
    since: Any = (),
) -> HttpResponse:
    row: Operator = loaded.operator
    context = {
        "operator": row,
        "facts": loaded.facts,
        "numbers": settings.current(),
        "t": t,
        "form": form,
        "why": why,
        "paper": loaded.paper(on),
        "version": row.version if since else request.POST.get("version") or row.version,
        "problems": list(problems)[:MOST_PROBLEMS],
        "n_problems": len(problems),
        "since": since,
        "save": t.action in {"apply", "answer"},
        "columns": tables.described() if t.action == "import_vehicles" else [],
    }
    return render(request, "bikes/do.html", context, status=status)
