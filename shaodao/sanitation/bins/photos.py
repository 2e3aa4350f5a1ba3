"""Who may see the photo of a bin: who may look into this room; the original nobody."""

from django.http import HttpRequest

from shaodao.cases.requests import actor_of
from shaodao.foundation import uploads
from shaodao.foundation.models import Upload
from shaodao.sanitation import queries
from shaodao.sanitation.models import BinVisit


def viewer(request: HttpRequest, upload: Upload, kind: str) -> str:
    if kind == "original" or not request.user.is_authenticated:
        return uploads.NOBODY
    if not BinVisit.objects.filter(upload=upload).exists():
        return uploads.NOBODY
    return uploads.PRIVATE if queries.may_enter(actor_of(request).facts) else uploads.NOBODY
