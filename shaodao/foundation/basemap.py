"""Where map tiles may come from: the page's content policy opens to the district's basemap, and to nothing else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse

from shaodao.foundation import district

TIANDITU = "https://*.tianditu.gov.cn"


def tile_origin(basemap: dict[str, Any] | None) -> str:
    """The origin that `basemap` fetches tiles from; empty if there is none or it is our own server."""
    if not basemap:
        return ""
    if basemap.get("kind") == "tianditu":
        return TIANDITU
    parts = urlsplit(str(basemap.get("url") or ""))
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} and parts.netloc else ""


class BasemapPolicy:
    """Middleware, to stand after django-csp's: adds the tile server to `connect-src` and `img-src` of pages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.get("Content-Type", "").startswith("text/html"):
            origin = tile_origin(district.current().settings.basemap)
            if origin:
                known = getattr(response, "_csp_update", None) or {}
                # django-csp's own decorators leave their additions under this name.
                setattr(response, "_csp_update", {**known, "connect-src": [origin], "img-src": [origin]})  # noqa: B010
        return response
