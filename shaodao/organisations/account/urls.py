"""Addresses of the account: the steps of a sign-in under /login/, one's own account under /account/."""

from django.urls import path

from shaodao.organisations.account import pages, sign_in, sso

urlpatterns = [
    path("login/code/", sign_in.code, name="sign_in_code"),
    path("login/set-up/", sign_in.set_up, name="sign_in_set_up"),
    path("login/sso/", sso.start, name="sso"),
    path("login/sso/back/", sso.back, name="sso_back"),
    path("account/", pages.account, name="account"),
    path("account/confirm/", pages.confirm, name="account_confirm"),
    path("account/password/", pages.PasswordChange.as_view(), name="password_change"),
    path("account/factors/add/", pages.add_factor, name="account_factor_add"),
    path("account/factors/<int:pk>/remove/", pages.remove_factor, name="account_factor_remove"),
    path("account/recovery-codes/", pages.recovery_codes, name="account_recovery_codes"),
    path("account/sessions/end/", pages.end_sessions, name="account_sessions_end"),
    path("account/tokens/issue/", pages.issue_token, name="account_token_issue"),
    path("account/tokens/<int:pk>/revoke/", pages.revoke_token, name="account_token_revoke"),
]
