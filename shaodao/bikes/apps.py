from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BikesConfig(AppConfig):
    name = "shaodao.bikes"
    label = "bikes"
    verbose_name = _("共享单车")
