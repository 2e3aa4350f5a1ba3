"""Feeds over HTTP: a real server on 127.0.0.1 that behaves, and one that does not."""

import gzip
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import translation

from shaodao.bikes.gbfs import fetching
from shaodao.bikes.gbfs.audit import audit
from tests.bikes import feeds
from tests.bikes.faults import listed

pytestmark = pytest.mark.nodb


class Server(ThreadingHTTPServer):
    """Answers what `answers` holds by path: bytes, or a function of the request handler."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.stopping = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def offer(self, feed, prefix=""):
        for name, document in feed.items():
            self.answers[f"{prefix}/{name}.json"] = json.dumps(document, ensure_ascii=False).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = self.server.answers.get(self.path)
        if callable(answer):
            answer(self)
        elif answer is None:
            self.reply(404, b"")
        else:
            self.reply(200, answer)

    def reply(self, status, content, **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    made = Server()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.stopping.set()
    made.shutdown()
    made.server_close()
    thread.join()


def audited(server, **options):
    return audit(f"{server.url}/gbfs.json", feeds.NOW, **({"timeout": 5.0} | options))


def only(report, check):
    assert {f.check for f in report.errors} == {check}, report.errors
    return report.errors[0]


@pytest.mark.parametrize("version", ["2.3", "3.0"])
def test_a_valid_feed_over_http(server, version):
    server.offer(feeds.valid(version, base=server.url))
    report = audited(server)
    assert report.errors == [] and {f.check for f in report.warnings} == {"no-https"}
    assert (report.version, len(report.files)) == (version, 11)


def test_a_feed_in_two_languages(server):
    feed = feeds.valid("2.3", base=f"{server.url}/zh")
    english = feeds.valid("2.3", base=f"{server.url}/en")
    english["system_information"]["data"]["language"] = "en"
    english["station_status"]["data"]["stations"][2]["station_id"] = "gone"
    feed["gbfs"]["data"] |= {"en": english["gbfs"]["data"]["zh"]}
    server.offer(feed)
    server.offer(feed, "/zh")
    server.offer(english, "/en")
    report = audited(server)
    assert [(f.check, f.file, f.path) for f in report.errors] == [
        ("unknown-station", "en/station_status.json", "/data/stations/2/station_id")
    ]
    assert len(report.files) == 21


def test_findings_of_worker_threads_are_in_the_callers_language(server):
    server.offer(feeds.valid(base=server.url))
    del server.answers["/station_status.json"]
    with translation.override("en"):
        assert only(audited(server), "http").what == "The server answered HTTP 404"
    assert only(audited(server), "http").what == "服务器答复 HTTP 404"


def test_a_server_that_is_down():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/gbfs.json"
    report = audit(url, feeds.NOW, timeout=5.0)
    assert (only(report, "http").file, report.version, report.files) == ("gbfs.json", "", [])


@pytest.mark.parametrize(("status", "level"), [(404, "warning"), (410, "warning"), (500, "error"), (403, "error")])
def test_an_optional_file_may_be_missing_but_not_broken(server, status, level):
    server.offer(feeds.valid(base=server.url))
    server.answers["/geofencing_zones.json"] = lambda request: request.reply(status, b"")
    report = audited(server)
    found = [f for f in (*report.errors, *report.warnings) if f.check == "http"]
    assert [(f.level, f.file) for f in found] == [(level, "geofencing_zones.json")]


def test_a_required_file_must_not_be_missing(server):
    server.offer(feeds.valid(base=server.url))
    del server.answers["/station_status.json"]
    assert only(audited(server), "http").file == "station_status.json"


def test_a_server_that_is_slow(server):
    server.offer(feeds.valid(base=server.url))
    server.answers["/vehicle_status.json"] = lambda request: server.stopping.wait(30)
    begun = time.monotonic()
    found = only(audited(server, timeout=1.0), "http")
    assert found.file == "vehicle_status.json" and time.monotonic() - begun < 10


def test_a_server_that_drips(server):
    def drip(request):
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        while not server.stopping.wait(0.1):
            request.wfile.write(b" ")

    server.offer(feeds.valid(base=server.url))
    server.answers["/vehicle_status.json"] = drip
    begun = time.monotonic()
    assert only(audited(server, timeout=1.0), "http").file == "vehicle_status.json"
    assert time.monotonic() - begun < 10


def test_half_a_file(server):
    feed = feeds.valid(base=server.url)
    server.offer(feed)
    whole = server.answers["/vehicle_status.json"]
    server.answers["/vehicle_status.json"] = whole[: len(whole) // 2]  # the producer stopped writing
    assert "没有写完" in only(audited(server), "json").what

    def hang_up(request):  # the connection broke
        request.reply(200, whole[: len(whole) // 2], Content_Length=str(len(whole)))
        request.close_connection = True

    server.answers["/vehicle_status.json"] = hang_up
    assert only(audited(server), "http").file == "vehicle_status.json"


@pytest.mark.parametrize(
    ("content", "check"),
    [
        (b"", "json"),
        (b"<!DOCTYPE html><html>Sign in</html>", "json"),
        (b"[1, 2]", "json"),
        (b'{"last_updated": NaN}', "json"),
        (b'{"last_updated": -Infinity}', "json"),
        ('{"data": "大同"}'.encode("gbk"), "encoding"),
        (b"\x1f\x8b\x08\x00\x00", "json"),
        (b"[" * 5000, "json"),
    ],
)
def test_what_is_not_a_gbfs_document(server, content, check):
    server.offer(feeds.valid(base=server.url))
    server.answers["/system_regions.json"] = content
    found = only(audited(server), check)
    assert (found.file, found.path) == ("system_regions.json", "")


def test_doubled_keys_and_a_byte_order_mark(server):
    server.offer(feeds.valid(base=server.url))
    whole = server.answers["/vehicle_status.json"]
    server.answers["/vehicle_status.json"] = whole.replace(b'"is_reserved"', b'"is_reserved": true, "is_reserved"', 1)
    found = only(audited(server), "duplicate-key")
    assert found.path == "/data/vehicles/0" and "is_reserved" in found.what
    server.answers["/vehicle_status.json"] = b"\xef\xbb\xbf" + whole
    assert only(audited(server), "encoding").file == "vehicle_status.json"


def test_redirects(server):
    server.offer(feeds.valid(base=server.url))
    whole = server.answers["/gbfs.json"]
    server.answers["/gbfs.json"] = lambda request: request.reply(301, b"", Location="/new.json")
    server.answers["/new.json"] = whole
    report = audited(server)
    assert report.errors == [] and {f.check for f in report.warnings} == {"no-https", "redirect"}
    server.answers["/new.json"] = lambda request: request.reply(302, b"", Location="/gbfs.json")
    assert "重定向" in only(audited(server), "http").what
    server.answers["/new.json"] = lambda request: request.reply(302, b"", Location="file:///etc/hostname")
    assert only(audited(server), "http").file == "gbfs.json"


def test_too_large_even_if_packed_small(server, monkeypatch):
    monkeypatch.setattr(fetching, "MAX_BYTES", 1_000_000)
    server.offer(feeds.valid(base=server.url))
    packed = gzip.compress(b" " * 2_000_000)
    server.answers["/system_regions.json"] = lambda r: r.reply(200, packed, Content_Encoding="gzip")
    assert only(audited(server), "http").file == "system_regions.json"
    server.answers["/system_regions.json"] = lambda r: r.reply(200, packed[:100], Content_Encoding="br")
    assert only(audited(server), "http").file == "system_regions.json"


def test_an_address_that_is_not_a_discovery_file(server):
    server.offer(feeds.valid(base=server.url))
    report = audit(f"{server.url}/station_status.json", feeds.NOW, timeout=5.0)
    assert "index" in {f.check for f in report.errors}


def test_addresses_that_are_none_in_a_discovery_file(server):
    feed = feeds.valid(base=server.url)
    for n, url in enumerate(["file:///etc/passwd", "http://", "https://[::1", "http://\x00/", "gopher://x/"]):
        listed(feed)[n + 4]["url"] = url
    server.offer(feed)
    report = audited(server)
    assert sum(f.check == "http" for f in report.errors) == 5
