"""Files for a book: a table of any kind. Looked at first; only what was shown is then taken in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from shaodao.book import files, shown
from shaodao.book.forms import UploadForm, counted
from shaodao.book.kinds import Kind, Room
from shaodao.book.views.rows import FORM, common, editor
from shaodao.cases.actions import Actor
from shaodao.cases.views.gate import staff
from shaodao.foundation import kept
from shaodao.foundation.errors import Invalid
from shaodao.foundation.maps import Unreadable

TABLES = (".xlsx", ".csv")
SHOWN = 100


def steps(
    request: HttpRequest, folder: str, form: UploadForm, suffixes: tuple[str, ...], actor: Actor,
    preview: Callable[[Path, int], HttpResponse], confirm: Callable[[Path], HttpResponse],
    page: Callable[[int], HttpResponse],
) -> HttpResponse:  # fmt: skip
    """GET shows the form; POST of a file shows what it would do; POST of `token` does it."""
    if request.method != "POST":
        return page(200)
    form.full_clean()
    person = actor.facts.person_id
    path: Path | None = None
    try:
        if "token" in request.POST:
            path = kept.kept(request.POST["token"], folder, person)
            if path is None:
                raise Unreadable(_("文件已不在，请重新上传"))
            return confirm(path)
        path = kept.keep(request.FILES.get("file"), folder, person, suffixes)
        return preview(path, 200)
    except Unreadable as error:
        if path is not None:
            path.unlink(missing_ok=True)
        form.fail({"file": str(error)})
    except Invalid as error:
        form.fail({"file" if name not in form.fields else name: what for name, what in error.errors.items()})
    return page(422)


def unlike(request: HttpRequest, counts: dict[str, int]) -> bool:
    """Was something else shown than what would be done now?"""
    return any(request.POST.get(f"seen_{key}") != str(n) for key, _label, n in counted(counts))


@staff
@require_http_methods(FORM)
def table(request: HttpRequest, room: Room, kind: str) -> HttpResponse:
    """A workbook or CSV of one kind."""
    of = room.by_name[kind]
    actor = editor(request, of)
    posted = request.method == "POST"
    form = UploadForm(request.POST if posted else None, request.FILES if posted else None)
    columns = [(c.name, shown.label(of, c.name), c.required) for c in files.spec(of).columns]

    def page(status: int, **more: Any) -> HttpResponse:
        context = {**common(of), "form": form, "columns": columns, **more}
        return render(request, "book/import.html", context, status=status)

    def plan(path: Path) -> files.Plan:
        with path.open("rb") as file:
            found = files.plan(of, file)
        found.name = kept.called(request)
        if found.problems and not found.drafts and not found.bad:
            raise Unreadable(str(found.problems[0].what) + (f"（{hint}）" if (hint := found.problems[0].hint) else ""))
        return found

    def preview(path: Path, status: int) -> HttpResponse:
        found = plan(path)
        more = {"rows": _rows(of, found), "n_rows": len(found.rows), "problems": found.problems[:SHOWN]}
        seen = {"token": path.name, "name": found.name, "reason": form.said("reason"), "counts": counted(found.counts)}
        return page(status, found=found, changed=status == 409, columns_of=of, **more, **seen)

    def confirm(path: Path) -> HttpResponse:
        found = plan(path)
        if unlike(request, found.counts):
            return preview(path, 409)  # somebody changed the book meanwhile: look again
        counts = files.carry_out(found, actor, reason=form.said("reason"))
        path.unlink(missing_ok=True)
        messages.success(request, outcome({**counts.as_dict(), "rejected": found.bad}))
        return redirect(f"{room.name}_list", kind)

    return steps(request, room.name, form, TABLES, actor, preview, confirm, page)


def _rows(kind: Kind, found: files.Plan) -> list[dict[str, Any]]:
    """What a file would change: code, action, (label, before, after)."""
    part = found.rows[:SHOWN]
    names = shown.referred(kind, (told for _row, _action, told in part))
    return [
        {"code": row.code, "what": shown.ACTIONS[action], "lines": shown.changes(kind, told, names)}
        for row, action, told in part
    ]


def outcome(counts: dict[str, int]) -> str:
    return _("新增 %(new)d，修改 %(changed)d，恢复 %(restored)d，不变 %(unchanged)d，不能导入 %(rejected)d。") % counts
