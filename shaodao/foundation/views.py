"""Files: the only way to anything under MEDIA_ROOT."""

import hashlib

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from shaodao.foundation import log, uploads
from shaodao.foundation.models import Upload

CACHE = {
    uploads.PUBLIC: "public, max-age=300",  # short: a photo that is withdrawn or redacted must disappear
    uploads.PRIVATE: "private, no-cache",
    "original": "private, no-store",
}


@require_safe
def media(request: HttpRequest, kind: str, pk: int) -> HttpResponseBase:
    """A photo's original, public copy or thumbnail, for whom it is meant; reading an original is logged."""
    upload = Upload.objects.filter(pk=pk).first() if kind in uploads.KINDS else None
    if upload is None:
        raise Http404
    sight = uploads.sight(request, upload, kind)
    if sight == uploads.NOBODY:
        if request.user.is_authenticated:
            raise PermissionDenied
        raise Http404
    stored, content_type, name = uploads.served(upload, kind)
    path = stored.name or ""
    if not path or not stored.storage.exists(path):
        raise Http404
    if kind == "original":
        log.write("upload.original", f"upload:{upload.pk}", actor=request.user)
    etag = f'"{hashlib.sha256(path.encode()).hexdigest()[:32]}"'
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        response = FileResponse(stored.open("rb"), content_type=content_type, as_attachment=kind == "original")
        response["Content-Disposition"] = f'{"attachment" if kind == "original" else "inline"}; filename="{name}"'
    response["ETag"] = etag
    response["Cache-Control"] = CACHE["original" if kind == "original" else sight]
    response["X-Content-Type-Options"] = "nosniff"
    return response
