"""Each kind of basemap in a real browser under the real content policy: tiles are fetched, drawn, and credited.

The tile server is one of our own on another port, so that the browser treats it as a foreign origin; Tianditu's
addresses are answered inside the browser, since nothing of it can be reached from a test.
"""

import gzip
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from shaodao.foundation import district
from shaodao.foundation.models import District
from tests.browser.test_public import phone, pytestmark, wait_for_map

assert phone  # a fixture
__all__ = ["pytestmark"]
ZOOMS = range(6, 13)
LON, LAT = 113.2, 40.0


def png(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (256, 256), colour).save(out, "PNG")
    return out.getvalue()


def all_water() -> bytes:
    """A vector tile (MVT 2.1) with one polygon over the whole tile in the layer `water`."""

    def number(n: int) -> bytes:
        out = b""
        while n > 127:
            out, n = out + bytes([n & 127 | 128]), n >> 7
        return out + bytes([n])

    def part(field: int, body: bytes) -> bytes:
        return number(field << 3 | 2) + number(len(body)) + body

    zigzag = [9, 0, 0, 26, 8192, 0, 0, 8192, 8191, 0, 15]  # move to 0,0; line to three corners; close
    geometry = b"".join(number(n) for n in zigzag)
    feature = number(3 << 3) + number(3) + part(4, geometry)  # type polygon
    layer = number(15 << 3) + number(2) + part(1, b"water") + part(2, feature) + number(5 << 3) + number(4096)
    return part(3, layer)


def archive(kind: TileType, tile: bytes) -> bytes:
    """A PMTiles archive with the same tile wherever the test looks."""
    out = io.BytesIO()
    writer = Writer(out)
    ids = []
    for z in ZOOMS:
        side = 1 << z
        x = int((LON + 180) / 360 * side)
        y = int(side * 0.3785)  # latitude 40 in Web Mercator
        ids += [
            zxy_to_tileid(z, a, b)
            for a in range(x - 3, x + 4)
            for b in range(y - 9, y + 10)
            if 0 <= a < side and 0 <= b < side
        ]
    for i in sorted(set(ids)):
        writer.write_tile(i, gzip.compress(tile) if kind == TileType.MVT else tile)
    writer.finalize(
        {
            "tile_type": kind,
            "tile_compression": Compression.GZIP if kind == TileType.MVT else Compression.NONE,
            "min_lon_e7": 1_100_000_000, "min_lat_e7": 390_000_000, "max_lon_e7": 1_160_000_000, "max_lat_e7": 410_000_000,
            "center_lon_e7": 1_132_000_000, "center_lat_e7": 400_000_000, "center_zoom": 11,
        },
        {"vector_layers": [{"id": "water", "fields": {}}]} if kind == TileType.MVT else {},
    )  # fmt: skip
    return out.getvalue()


@pytest.fixture
def tiles():
    """A tile server: `/NAME` answers `files[NAME]` with byte ranges, anything else a magenta tile."""
    files: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = files.get(self.path.strip("/"))
            status, headers = 200, {"Content-Type": "image/png"}
            if body is None:
                body = png("#ff00ff")
            elif given := self.headers.get("Range"):
                first, last = (int(n) for n in given.removeprefix("bytes=").split("-"))
                headers = {"Content-Range": f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"}
                status, body = 206, body[first : last + 1]
            self.send_response(status)
            for name, value in {
                **headers,
                "Access-Control-Allow-Origin": "*",
                "Content-Length": str(len(body)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments) -> None:
            """No line for each tile."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.files, server.asked, server.origin = files, asked, f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    yield server
    server.shutdown()
    server.server_close()


def look(phone, basemap: dict) -> tuple[tuple[int, int, int], str]:
    """The colour of the map's corner, where nothing but the basemap is drawn, and the page's credits."""
    District.objects.update(settings={"basemap": basemap})
    district.forget()
    page = phone(viewport={"width": 1000, "height": 800}, has_touch=False)
    if basemap["kind"] == "tianditu":
        page.route("https://*.tianditu.gov.cn/**", lambda route: answer(route, page))
    page.goto("/cases/?view=map")
    page.locator("[data-map]").first.scroll_into_view_if_needed()
    wait_for_map(page)
    page.wait_for_timeout(2500)
    shot = Image.open(io.BytesIO(page.locator("[data-map]").first.screenshot())).convert("RGB")
    return shot.getpixel((12, shot.height // 2)), page.locator("[data-map]").first.inner_text()


def answer(route, page) -> None:
    page.asked = [*getattr(page, "asked", []), route.request.url]
    route.fulfill(
        status=200, content_type="image/png", body=png("#ff00ff"), headers={"Access-Control-Allow-Origin": "*"}
    )


def magenta(pixel: tuple[int, int, int]) -> bool:
    """Calmed (less saturated), but still magenta and not the land's grey."""
    red, green, blue = pixel
    return min(red, blue) - green > 60


def test_tiles_of_a_server(phone, town, tiles):
    pixel, text = look(phone, {"kind": "xyz", "url": tiles.origin + "/{z}/{x}/{y}.png", "attribution": "区测绘院"})
    assert magenta(pixel), pixel
    assert tiles.asked and all(path.count("/") == 3 for path in tiles.asked if path.endswith(".png"))
    assert "区测绘院" in text


@pytest.mark.parametrize("kind", [TileType.PNG, TileType.MVT])
def test_an_archive_of_tiles(phone, town, tiles, kind):
    tiles.files["d.pmtiles"] = archive(kind, png("#ff00ff") if kind == TileType.PNG else all_water())
    pixel, _text = look(phone, {"kind": "pmtiles", "url": tiles.origin + "/d.pmtiles"})
    red, green, blue = pixel
    if kind == TileType.PNG:
        assert magenta(pixel), pixel
    else:
        assert blue > green > red and blue - red > 25, pixel  # water
    assert "/d.pmtiles" in tiles.asked


def test_tianditu(phone, town):
    pixel, text = look(phone, {"kind": "tianditu", "key": "k", "layer": "vec"})
    assert magenta(pixel), pixel
    assert "天地图" in text


def test_a_tile_server_that_is_down_leaves_the_districts_own_map(phone, town):
    pixel, _text = look(phone, {"kind": "pmtiles", "url": "http://127.0.0.1:9/none.pmtiles"})
    assert not magenta(pixel)
