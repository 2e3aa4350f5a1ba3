from django.apps import AppConfig
from django.utils.translation import pgettext_lazy


class CasesConfig(AppConfig):
    name = "shaodao.cases"
    label = "cases"
    verbose_name = pgettext_lazy("list", "案件")

    def ready(self) -> None:
        from shaodao.cases import media, notify
        from shaodao.foundation import uploads

        uploads.register_viewer(media.viewer)
        notify.register()
