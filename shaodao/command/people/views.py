"""Who holds which post. The office looks; an administrator makes accounts, gives posts, and ends both."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.command import pages
from shaodao.command.access import ADMIN, OFFICE, holds, page, scope_of
from shaodao.command.people import queries
from shaodao.command.people.forms import NewPersonForm, PersonForm, PostForm
from shaodao.command.words import action_names
from shaodao.foundation.errors import Invalid, Refused
from shaodao.organisations import actions
from shaodao.organisations.models import Person, Post

FORM = ["GET", "HEAD", "POST"]
DAYS = settings.PASSWORD_RESET_TIMEOUT // 86_400


def show(request: HttpRequest, template: str, status: int = 200, **context: Any) -> HttpResponse:
    return pages.show(request, template, "people", status, **context)


@require_safe
@page(OFFICE)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who may sign in, filtered by words, post and whether they still may; also as Excel."""
    filters = pages.Filters(request)
    rows = queries.people(filters.text("q"), filters.choice("role", Post.Role.values), filters.flag("active"))
    if pages.wants_file(request):
        columns: dict[str, Any] = {
            _("账号"): lambda p: p.username,
            _("姓名"): str,
            _("岗位"): lambda p: "；".join(f"{h.get_role_display()} {h.organisation}" for h in p.held if h.active),
            _("可登录"): lambda p: _("是") if p.is_active else _("否"),
            _("上次登录"): lambda p: p.last_login,
        }
        return pages.file_of("people", _("人员岗位"), columns, rows)
    return show(
        request,
        "command/people.html",
        rows=pages.paged(request, rows),
        keeper=holds(scope_of(request).actor, ADMIN),
        controls=[
            pages.field(request, "q", _("姓名、账号、单位"), "search"),
            pages.select(request, "role", _("岗位"), Post.Role.choices),
            pages.select(request, "active", _("账号状态"), [("1", _("可登录")), ("0", _("已停用"))]),
        ],
        faults=filters.faults,
    )


@never_cache
@require_http_methods(FORM)
@page(ADMIN)
def new(request: HttpRequest) -> HttpResponse:
    """An account with its first post; the page that follows shows the link on which the person chooses a password."""
    form = NewPersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by, data = scope_of(request).actor.person, form.cleaned_data
        try:
            with transaction.atomic():
                person = actions.create_person(data["username"].strip(), data["name"].strip(), None, by=by)
                actions.set_post(person, data["role"], data["organisation"], by=by)
                link = actions.invite(person, by=by)
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            return _invitation(request, person, link)
    return show(request, "command/person_new.html", 422 if form.errors else 200, form=form)


def _invitation(request: HttpRequest, person: Person, link: str) -> HttpResponse:
    return show(request, "command/person_link.html", who=person, link=f"{settings.ORIGIN}{link}", days=DAYS)


@require_http_methods(FORM)
@page(ADMIN)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: name, posts, what the log says of it."""
    row = get_object_or_404(queries.people("", "", None), pk=pk)
    given = {"name": row.name, "name_en": row.name_en, "active": row.is_active}
    form = PersonForm(request.POST or None, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_person(row, **form.cleaned_data, by=scope_of(request).actor.person)
        except (Invalid, Refused) as error:
            form.add_errors(error.errors if isinstance(error, Invalid) else {"active": error.reason})
        else:
            messages.success(request, _("已保存"))
            return redirect("command_person", pk)
    return _person(request, row, form, PostForm())


def _person(request: HttpRequest, row: Any, form: PersonForm, post_form: PostForm) -> HttpResponse:
    faulty, names, lines = form.errors or post_form.errors, action_names(), list(queries.lines_about(row))
    for line in lines:
        role = line.data.get("role")
        line.name = names.get(line.action, line.action)  # type: ignore[attr-defined]
        line.post = f"{Post.Role(role).label} · {line.data['organisation']}" if role in Post.Role.values else ""  # type: ignore[attr-defined]
    return show(
        request,
        "command/person.html",
        422 if faulty else 200,
        who=row,
        form=form,
        post_form=post_form,
        lines=lines,
    )


@require_POST
@page(ADMIN)
def give_post(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(queries.people("", "", None), pk=pk)
    form = PostForm(request.POST)
    if form.is_valid():
        try:
            actions.set_post(row, **_post_of(form.cleaned_data), by=scope_of(request).actor.person)
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            messages.success(request, _("岗位已授予"))
            return redirect("command_person", pk)
    given = {"name": row.name, "name_en": row.name_en, "active": row.is_active}
    return _person(request, row, PersonForm(initial=given), form)


def _post_of(data: dict[str, Any]) -> dict[str, Any]:
    return {"role": data["role"], "organisation_code": data["organisation"]}


@require_POST
@page(ADMIN)
def end_post(request: HttpRequest, pk: int, post: int) -> HttpResponse:
    """The post ends, or, ended by mistake, is given again."""
    row = get_object_or_404(Post.objects.select_related("person", "organisation"), pk=post, person=pk)
    try:
        actions.set_post(
            row.person, row.role, row.organisation.code, active=not row.active, by=scope_of(request).actor.person
        )
    except Refused as error:
        messages.error(request, str(error.reason))
    except Invalid as error:
        messages.error(request, " ".join(str(text) for text in error.errors.values()))
    else:
        messages.success(request, _("岗位已结束") if row.active else _("岗位已授予"))
    return redirect("command_person", pk)


@require_POST
@page(ADMIN)
def reset_factor(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody lost telephone and recovery codes: their second factors end, with a reason that the log keeps."""
    row, reason = get_object_or_404(Person, pk=pk), request.POST.get("reason", "").strip()[:200]
    if not reason:
        messages.error(request, _("请写明理由，例如怎样确认了是本人"))
    else:
        n = actions.reset_factor(row, by=scope_of(request).actor.person, reason=reason)
        text = ngettext("已清除 %(n)d 个第二验证方式", "已清除 %(n)d 个第二验证方式", n) % {"n": n}
        messages.success(request, text)
    return redirect("command_person", pk)


@never_cache
@require_POST
@page(ADMIN)
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    """A new link; the old password stops at once."""
    row = get_object_or_404(Person, pk=pk)
    try:
        link = actions.invite(row, by=scope_of(request).actor.person)
    except Refused as error:
        messages.error(request, str(error.reason))
        return redirect("command_person", pk)
    return _invitation(request, row, link)
