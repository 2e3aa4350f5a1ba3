"""Forms of this room that are not those of every book."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from shaodao.book.forms import UploadForm
from shaodao.cases.forms import RawChoice
from shaodao.kernel.datum import DATUMS


class RoadsForm(UploadForm):
    """A file of roads with its datum."""

    def __init__(self, *args: Any, **given: Any) -> None:
        help = _("GeoJSON、GeoPackage、Shapefile（zip），最多 20 MB")
        super().__init__(*args, accept=".geojson,.json,.gpkg,.zip", help=help, **given)
        self.fields["datum"] = RawChoice(
            label=_("坐标系"), choices=[(n, n) for n in DATUMS], help_text=_("文件自带坐标系的以文件为准")
        )
        self.order_fields(["file", "datum", "reason"])
