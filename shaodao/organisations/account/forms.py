"""Forms of the account pages. What is right is said by the actions; their errors land beside the fields."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.foundation import clock

YEARS = 10
SCOPES = [("read", _("读取")), ("report", _("上报")), ("act", _("以您的岗位办理案件"))]
WORDS = {**dict(SCOPES), "bikes": _("推送共享单车数据"), "tracks": _("推送环卫车辆轨迹")}  # issued elsewhere


class Plain(forms.Form):
    """No colon after labels; errors of an action beside the fields they are about."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def add_errors(self, errors: dict[str, Any]) -> None:
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, str(text))


class CodeForm(Plain):
    code = forms.CharField(
        label=_("6 位验证码"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}),
    )


class RecoveryForm(Plain):
    code = forms.CharField(
        label=_("一个恢复码"),
        max_length=30,
        help_text=_("设置时打印或抄下的十个恢复码之一，每个只能用一次。"),
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )


class PasskeyForm(Plain):
    name = forms.CharField(
        label=_("名称"), max_length=60, initial=_("通行密钥"), help_text=_("例如“办公室电脑”“蓝色钥匙”。")
    )
    credential = forms.CharField(max_length=20_000, widget=forms.HiddenInput)


class PasswordForm(Plain):
    password = forms.CharField(
        label=_("密码"), strip=False, max_length=4096, widget=forms.PasswordInput({"autocomplete": "current-password"})
    )


class TokenForm(Plain):
    name = forms.CharField(label=_("用途"), max_length=100, help_text=_("例如哪个系统用它。"))
    scopes = forms.MultipleChoiceField(
        label=_("权限"),
        choices=SCOPES,
        widget=forms.CheckboxSelectMultiple,
        initial=["read"],
    )
    until = forms.DateField(label=_("有效至"), widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["until"].initial = (clock.local(clock.now()) + timedelta(days=365)).date()

    def clean_until(self) -> Any:
        """The end of the last day on which the token works."""
        day, today = self.cleaned_data["until"], clock.local(clock.now()).date()
        if not today <= day <= today + timedelta(days=366 * YEARS):
            raise forms.ValidationError(_("应在今天到 %(n)s 年之内") % {"n": YEARS})
        return clock.from_local(datetime.combine(day + timedelta(days=1), time.min))
