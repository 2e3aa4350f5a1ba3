from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BookConfig(AppConfig):
    name = "shaodao.book"
    label = "book"
    verbose_name = _("台账")
