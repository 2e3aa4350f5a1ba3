from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SanitationConfig(AppConfig):
    name = "shaodao.sanitation"
    label = "sanitation"
    verbose_name = _("环境卫生")

    def ready(self) -> None:
        from shaodao.cases import tasks as clock
        from shaodao.foundation import chain, district
        from shaodao.sanitation import history, settings
        from shaodao.sanitation.proof import tasks as proof

        district.register_block("sanitation", settings.SanitationSettings)
        chain.register(history.BOOK)
        clock.register("proven", proof.prove)
        clock.register("service_findings", proof.settle)
