"""The steps of a sign-in after the password: the code, or setting the second factor up where a post requires it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from shaodao.foundation import clock
from shaodao.organisations.account import factors, passkeys, pending, rules, setting_up
from shaodao.organisations.account.forms import CodeForm, RecoveryForm
from shaodao.organisations.account.lockout import failed, locked
from shaodao.organisations.models import Factor, Person

FORM = ["GET", "HEAD", "POST"]
Step = Callable[[HttpRequest, Person, dict[str, Any]], HttpResponse]
PUBLIC = "shaodao/public.html"


def step(need: rules.Need) -> Callable[[Step], Callable[[HttpRequest], HttpResponse]]:
    """A page of a sign-in that is half done; who has none goes to the sign-in page, who is elsewhere in it, there."""

    def around(view: Step) -> Callable[[HttpRequest], HttpResponse]:
        @never_cache
        @sensitive_post_parameters()
        @require_http_methods(FORM)
        @wraps(view)
        def inner(request: HttpRequest) -> HttpResponse:
            found = pending.waiting(request)
            if found is None:
                request.session.pop(pending.KEY, None)
                if not request.user.is_authenticated:
                    messages.info(request, _("登录没有完成，请重新输入密码"))
                return redirect("login")
            person, kept = found
            if kept["need"] != need.value:
                return redirect(pending.PAGES[rules.Need(kept["need"])])
            return locked(request, person) or view(request, person, kept)

        return inner

    return around


@step(rules.Need.CODE)
def code(request: HttpRequest, person: Person, kept: dict[str, Any]) -> HttpResponse:
    """The authenticator's code, a recovery code (?recovery), or a passkey."""
    if factors.is_closed(person):
        return render(request, "account/closed.html", status=403)
    recovery = "recovery" in request.GET
    form: Any = (RecoveryForm if recovery else CodeForm)(request.POST or None)
    if request.method == "POST":
        if _proved(request, person, form):
            return pending.finish(request, person, kept["how"], kept["onward"])
        if request.POST.get("credential"):
            form = CodeForm()
            messages.error(request, _("通行密钥没有通过，请再试一次"))
    kinds = set(person.factors.values_list("kind", flat=True))
    context = {
        "form": form,
        "who": person,
        "recovery": recovery,
        "has_app": Factor.Kind.TOTP in kinds,
        "passkey_question": passkeys.question_to_use(request, person) if Factor.Kind.PASSKEY in kinds else None,
    }
    return render(request, "account/code.html", context, status=422 if request.method == "POST" else 200)


def _proved(request: HttpRequest, person: Person, form: Any) -> bool:
    """Is the second factor proved by what was posted? A wrong one is counted."""
    now = clock.now()
    if request.POST.get("credential"):
        right = passkeys.check(request, person, request.POST["credential"], now)
    elif not form.is_valid():
        return False
    else:
        right = factors.check(person, form.cleaned_data["code"], now)
        if not right:
            form.add_error("code", _("代码不对，或已经用过。请等验证器显示下一个再试"))
    if not right:
        failed(request, person)
    return right


@step(rules.Need.SET_UP)
def set_up(request: HttpRequest, person: Person, kept: dict[str, Any]) -> HttpResponse:
    """Whoever holds a post that requires a second factor sets it up before anything else, and is then signed in."""
    if person.factors.exists():  # set up in another browser meanwhile: only that one signs in now
        request.session.pop(pending.KEY, None)
        return redirect("login")
    context: dict[str, Any] = {"layout": PUBLIC, "forced": True}
    if request.method != "POST":
        return setting_up.page(request, person, **context)
    done = setting_up.take(request, person)
    if isinstance(done, dict):
        return setting_up.page(request, person, done, **context)
    pending.enter(request, person, kept["how"])
    onward = kept["onward"] or resolve_url(settings.LOGIN_REDIRECT_URL)
    if not done:
        return redirect(onward)
    return setting_up.codes_page(request, done, onward=onward)
