"""Who may see the photos of cases: the public what was published, staff what they work on, originals few."""

from django.db.models import Q
from django.http import HttpRequest

from shaodao.cases import queries
from shaodao.cases.lifecycle import HEADQUARTERS
from shaodao.cases.models import Case, Photo
from shaodao.cases.requests import actor_of
from shaodao.foundation import uploads
from shaodao.foundation.models import Upload


def viewer(request: HttpRequest, upload: Upload, kind: str) -> str:
    """PUBLIC for the public's copies of published photos of published cases; PRIVATE for staff who may see the case."""
    if not upload.public:
        return uploads.NOBODY  # a paper (foundation/papers.py), which the room that took it in shows by itself
    if kind == "original":
        office = request.user.is_authenticated and actor_of(request).facts.with_role(HEADQUARTERS)
        return uploads.PRIVATE if office else uploads.NOBODY
    if (
        kind not in uploads.INSIDE
        and Photo.objects.filter(upload=upload, published=True, case__published=True).exists()
    ):
        return uploads.PUBLIC
    if not request.user.is_authenticated:
        return uploads.NOBODY
    mine = Photo.objects.filter(upload=upload)
    here = Q(pk__in=mine.values("case_id"))
    here |= Q(
        pk__in=mine.exclude(report=None).values("report__case_id")
    )  # a merge takes the report along, not the photo
    cases = Case.objects.filter(here)
    return uploads.PRIVATE if queries.visible_to(actor_of(request).facts, cases).exists() else uploads.NOBODY
