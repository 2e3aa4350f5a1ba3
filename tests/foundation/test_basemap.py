"""The content policy opens to the district's own tile server, and to nothing else."""

import pytest
from csp.middleware import CSPMiddleware
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from shaodao.foundation import basemap, district


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        (None, ""),
        ({"kind": "xyz", "url": "https://tiles.example:8443/a/{z}/{x}/{y}.png"}, "https://tiles.example:8443"),
        ({"kind": "pmtiles", "url": "/tiles/pingcheng.pmtiles"}, ""),
        ({"kind": "tianditu", "key": "k"}, "https://*.tianditu.gov.cn"),
        ({"kind": "xyz", "url": "javascript:alert(1)"}, ""),
        ({"kind": "xyz"}, ""),
    ],
)
def test_tile_origin(given, origin):
    assert basemap.tile_origin(given) == origin


def answer(monkeypatch, given, response) -> str:
    here = district.Current("1", "x", "x", (0.0, 0.0), False, district.Settings(basemap=given))
    monkeypatch.setattr(district, "current", lambda: here)
    chain = CSPMiddleware(basemap.BasemapPolicy(lambda request: response))
    return chain(RequestFactory().get("/")).headers["Content-Security-Policy"]


def test_pages_may_fetch_from_the_districts_tile_server_only(monkeypatch):
    given = {"kind": "xyz", "url": "https://tiles.example/{z}/{x}/{y}.png"}
    policy = dict(part.split(" ", 1) for part in answer(monkeypatch, given, HttpResponse("x")).split("; "))
    assert "https://tiles.example" in policy["connect-src"]
    assert "https://tiles.example" in policy["img-src"]
    assert "'self'" in policy["connect-src"]
    assert "tiles.example" not in policy["default-src"]


def test_nothing_opens_without_a_basemap_or_for_data(monkeypatch):
    given = {"kind": "xyz", "url": "https://tiles.example/{z}/{x}/{y}.png"}
    assert "tiles.example" not in answer(monkeypatch, given, JsonResponse({}))
    assert "https" not in answer(monkeypatch, None, HttpResponse("x"))
