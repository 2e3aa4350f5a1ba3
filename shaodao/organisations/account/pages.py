"""我的账号: password, second factor, sessions and keys of the signed-in person. Changes ask for the password again."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shaodao.foundation import clock, district, log
from shaodao.foundation.errors import Invalid, Refused
from shaodao.foundation.models import LogEntry
from shaodao.organisations import tokens
from shaodao.organisations.account import factors, pending, rules, setting_up, sso
from shaodao.organisations.account.forms import WORDS, PasswordForm, TokenForm
from shaodao.organisations.account.lockout import failed, locked
from shaodao.organisations.models import Factor

FORM = ["GET", "HEAD", "POST"]
WORK = "shaodao/work.html"
SIGN_INS = 10
View = Callable[..., HttpResponse]


def own(view: View) -> View:
    """A page for whoever is signed in, kept by no cache."""
    return never_cache(login_required(view))  # type: ignore[return-value]


def sure(view: View) -> View:
    """A change that needs the password again, unless it was given within the last ten minutes."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if pending.is_confirmed(request):
            return view(request, *args, **kwargs)
        onward = request.get_full_path()
        if request.method == "POST":  # what was posted is not kept
            messages.info(request, _("为安全起见，请先确认是您本人，然后再按一次刚才的按钮"))
            onward = pending.home()
        return redirect(f"{reverse('account_confirm')}?{urlencode({'next': onward})}")

    return own(inner)


@require_safe
@own
def account(request: HttpRequest) -> HttpResponse:
    """Everything about one's account, and the buttons."""
    me: Any = request.user
    now, settings = clock.now(), district.current().settings
    keys = list(me.tokens.order_by("-created_at", "-pk"))
    for key in keys:
        key.words = [WORDS.get(scope, scope) for scope in key.scopes]
        key.live = key.revoked_at is None and (key.expires_at is None or key.expires_at > now)
    context = {
        "allowed": rules.allowed(settings),
        "factors": list(me.factors.all()),
        "required": factors.is_required(me),
        "codes_left": factors.codes_left(me),
        "sign_ins": LogEntry.objects.filter(action="session.login", subject=f"person:{me.pk}").order_by("-pk")[
            :SIGN_INS
        ],
        "tokens": keys,
    }
    return render(request, "account/account.html", context)


@sensitive_post_parameters()
@require_http_methods(FORM)
@own
def confirm(request: HttpRequest) -> HttpResponse:
    """The password again (or the provider again, for whoever came through it), before a change."""
    me: Any = request.user
    onward = request.POST.get("next") or request.GET.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure()):
        onward = pending.home()
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if authenticate(request, username=me.username, password=form.cleaned_data["password"]) == me:
            pending.confirm(request)
            return redirect(onward)
        form.add_error("password", _("密码不对"))
    context = {
        "form": form,
        "onward": onward,
        "has_password": me.has_usable_password(),
        "sso": sso.label() if request.session.get(pending.HOW) == sso.HOW else "",
        "query": urlencode({"confirm": 1, "next": onward}),
    }
    return render(request, "account/confirm.html", context, status=422 if form.errors else 200)


@sensitive_post_parameters()
@require_http_methods(FORM)
@sure
def add_factor(request: HttpRequest) -> HttpResponse:
    """An authenticator app (in place of the one before), or a passkey."""
    me: Any = request.user
    if not rules.allowed(district.current().settings):
        messages.error(request, _("本区没有启用第二重验证"))
        return redirect("account")
    context: dict[str, Any] = {"layout": WORK, "replaces": me.factors.filter(kind=Factor.Kind.TOTP).exists()}
    if request.method != "POST":
        return setting_up.page(request, me, **context)
    done = setting_up.take(request, me)
    if isinstance(done, dict):
        return setting_up.page(request, me, done, **context)
    messages.success(request, _("第二重验证已设好"))
    return setting_up.codes_page(request, done, onward=pending.home()) if done else redirect("account")


@require_POST
@sure
def remove_factor(request: HttpRequest, pk: int) -> HttpResponse:
    factor = get_object_or_404(Factor.objects.select_related("person"), pk=pk, person=request.user)
    try:
        factors.remove(factor, clock.now())
    except Refused as error:
        messages.error(request, str(error.reason))
    else:
        messages.success(request, _("已移除"))
    return redirect("account")


@require_POST
@sure
def recovery_codes(request: HttpRequest) -> HttpResponse:
    me: Any = request.user
    try:
        codes = factors.new_recovery_codes(me, clock.now())
    except Refused as error:
        messages.error(request, str(error.reason))
        return redirect("account")
    return setting_up.codes_page(request, codes, onward=pending.home())


@require_POST
@sure
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Everywhere else is signed out; this browser goes on with a new session."""
    me: Any = request.user
    how = request.session.get(pending.HOW, "password")
    factors.end_sessions(me, clock.now())
    request.session.flush()
    login(request, me, backend=pending.BACKEND)
    request.session[pending.HOW] = how
    pending.confirm(request)
    messages.success(request, _("其他地方都已退出登录"))
    return redirect("account")


@require_http_methods(FORM)
@sure
def issue_token(request: HttpRequest) -> HttpResponse:
    """A key for a machine, shown this once."""
    me: Any = request.user
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data, now = form.cleaned_data, clock.now()
        try:
            row, plain = tokens.issue(me, data["name"], data["scopes"], now, expires_at=data["until"])
        except Invalid as error:
            form.add_errors(error.errors)
        else:
            return render(request, "account/token.html", {"token": row, "plain": plain})
    return render(request, "account/token_new.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
@sure
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    me: Any = request.user
    tokens.revoke(get_object_or_404(me.tokens, pk=pk), me, clock.now())
    messages.success(request, _("令牌已撤销"))
    return redirect("account")


class PasswordChange(PasswordChangeView):
    """Django's, with its line in the log; a wrong old password counts as a wrong sign-in."""

    success_url = reverse_lazy("account")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        me: Any = request.user
        return (me.is_authenticated and locked(request, me)) or super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        answer = super().form_valid(form)
        log.write("person.password", f"person:{form.user.pk}", actor=form.user)
        pending.confirm(self.request)
        messages.success(self.request, _("密码已修改，其他地方都已退出登录"))
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        if "old_password" in form.errors and form.data.get("old_password"):
            failed(self.request, form.user, code=False)
        answer: HttpResponse = super().form_invalid(form)
        return answer
