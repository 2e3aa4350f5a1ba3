"""The form of a subscription. What is right is said by `subscriptions.check`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shaodao.foundation import subscriptions
from shaodao.foundation.errors import Invalid


class WebhookForm(forms.Form):
    name = forms.CharField(label=_("名称"), max_length=100)
    url = forms.CharField(
        label=_("接收网址"), max_length=500, widget=forms.TextInput({"inputmode": "url", "autocomplete": "off"})
    )
    topics = forms.CharField(
        label=_("主题"),
        max_length=600,
        help_text=_("以空格隔开，按开头匹配：case. 是案件的一切变化，case.close 只是结案"),
    )
    active = forms.BooleanField(label=_("启用"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def checked(self) -> bool:
        """Is all of it right? Every fault is named at once, whichever of the two checks finds it."""
        if not self.is_valid():
            given = self.cleaned_data
            try:
                subscriptions.check(given.get("name", ""), given.get("url", ""), self.topic_list)
            except Invalid as error:
                self.add_errors({name: text for name, text in error.errors.items() if name not in self.errors})
        return not self.errors

    @property
    def topic_list(self) -> list[str]:
        return list(dict.fromkeys(self.cleaned_data.get("topics", "").replace(",", " ").replace("，", " ").split()))

    def add_errors(self, errors: dict[str, Any]) -> None:
        for name, text in errors.items():
            self.add_error(name if name in self.fields else None, str(text))
