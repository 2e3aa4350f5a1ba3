from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SanitationConfig(AppConfig):
    name = "shaodao.sanitation"
    label = "sanitation"
    verbose_name = _("环境卫生")
