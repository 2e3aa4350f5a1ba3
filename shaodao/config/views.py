"""Signing in, and choosing the first password: the pages that belong to no room."""

import os

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from shaodao.foundation import log
from shaodao.foundation.naming import named
from shaodao.organisations.account import pending, sso
from shaodao.organisations.models import Post

DEMO_FILE = "demo_password"


def demo_password() -> str:
    """The shared password of the demonstration accounts, present only where `shaodao run --demo` made them."""
    from django.conf import settings

    kept = settings.VAR / DEMO_FILE
    return kept.read_text().strip() if kept.exists() and os.environ.get("SHAODAO_DEMO") == "1" else ""


class SignIn(auth.LoginView):
    """Django's login with lockout (axes), then the second factor; shows the demonstration accounts only in
    demonstration mode, and the single sign-on only where it is configured."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        context = super().get_context_data(**kwargs)
        context["sso_label"] = sso.label()
        password = demo_password()
        if password:
            posts = Post.objects.filter(person__sample=True, person__is_active=True, active=True)
            posts = posts.exclude(person__password__startswith=UNUSABLE_PASSWORD_PREFIX)
            context["demo_accounts"] = [
                {
                    "name": str(p.person),
                    "username": p.person.username,
                    "password": password,
                    "role": f"{p.get_role_display()} · {named(p.organisation)}",
                }
                for p in posts.select_related("person", "organisation")
            ]
        return context

    def form_valid(self, form) -> HttpResponse:
        """The password was right: nobody is signed in before the second factor was, where there is one."""
        return pending.begin(self.request, form.get_user(), "password", self.get_redirect_url())


class Welcome(auth.PasswordResetConfirmView):
    """The page of an invitation (`organisations.actions.invite`): the person chooses a password, once."""

    template_name = "registration/welcome.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form) -> HttpResponse:
        answer = super().form_valid(form)
        log.write("person.password", f"person:{form.user.pk}", actor=form.user)
        messages.success(self.request, _("密码已设好，请登录"))
        return answer


def sign_in(request: HttpRequest) -> HttpResponseBase:
    return SignIn.as_view()(request)
