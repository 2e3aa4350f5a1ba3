from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SanitationConfig(AppConfig):
    name = "shaodao.sanitation"
    label = "sanitation"
    verbose_name = _("环境卫生")

    def ready(self) -> None:
        from shaodao.foundation import chain, district, uploads
        from shaodao.sanitation import history, settings
        from shaodao.sanitation.bins.photos import viewer

        district.register_block("sanitation", settings.SanitationSettings)
        chain.register(history.BOOK)
        uploads.register_viewer(viewer)
