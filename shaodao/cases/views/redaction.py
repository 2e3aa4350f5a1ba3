"""Before something becomes public: rectangles over faces and plates, as percent of the picture's width and height."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from shaodao.cases import choices
from shaodao.cases.forms import ActionForm
from shaodao.cases.models import Case
from shaodao.cases.requests import actor_of
from shaodao.foundation import uploads
from shaodao.foundation.errors import Invalid


def offered(case: Case, form: ActionForm) -> list[dict[str, Any]]:
    """The case's photos with what was typed for each: chosen or not, and its rectangles."""
    value = form["public_photos"].value() or []
    chosen = {str(v) for v in value} if isinstance(value, list | tuple) else set()
    return [
        {
            "photo": photo,
            "label": choices.photo_label(number, photo),
            "chosen": str(photo.upload_id) in chosen,
            "field": f"boxes-{photo.upload_id}",
            "boxes": form.data.get(f"boxes-{photo.upload_id}", "") if form.is_bound else "",
            "error": form.box_errors.get(photo.upload_id, "") if hasattr(form, "box_errors") else "",
        }
        for number, photo in enumerate(choices.photos(case), 1)
    ]


def parse(text: str) -> list[tuple[float, float, float, float]]:
    """Rectangles "x,y,w,h" in percent, one a line, as (left, top, right, bottom) fractions. Invalid names the line."""
    boxes = []
    for number, line in enumerate(text.replace(";", "\n").splitlines(), 1):
        if not line.strip():
            continue
        try:
            x, y, width, height = (float(part) / 100 for part in line.replace("，", ",").split(","))
            good = 0 <= x < 1 and 0 <= y < 1 and 0 < width <= 1 and 0 < height <= 1
        except ValueError:
            good = False
        if not good:
            raise Invalid({"boxes": _("第 %(n)d 行应为 左,上,宽,高，都是 0 到 100 的百分数") % {"n": number}})
        boxes.append((x, y, min(1.0, x + width), min(1.0, y + height)))
    return boxes


def apply(request: HttpRequest, case: Case, data: dict[str, Any]) -> None:
    """Blacken what was marked on the chosen photos, before the case is published with them.

    All rectangles are checked before the first photo is touched. Raises Invalid on `public_photos`.
    """
    chosen = {str(v) for v in data.get("public_photos") or []}
    wanted, faults = [], []
    for number, photo in enumerate(choices.photos(case), 1):
        text = request.POST.get(f"boxes-{photo.upload_id}", "")
        if str(photo.upload_id) in chosen and text.strip():
            try:
                wanted.append((photo.upload, parse(text)))
            except Invalid as error:
                faults.append(f"{choices.photo_label(number, photo)}{_('：')}{error.errors['boxes']}")
    if faults:
        raise Invalid({"public_photos": _("；").join(faults)})
    person = actor_of(request).person
    for upload, boxes in wanted:
        uploads.redact(upload, boxes, person, reason=_("公开前遮盖"))
