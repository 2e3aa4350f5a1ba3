from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FoundationConfig(AppConfig):
    name = "shaodao.foundation"
    label = "foundation"
    verbose_name = _("基础")

    def ready(self) -> None:
        from shaodao.foundation import voice

        voice.speak()
