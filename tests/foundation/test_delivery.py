"""Deliveries against a real receiver: signatures, retries, crashes, several workers, and addresses not to send to."""

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail
from django.db import connection, connections

from shaodao.foundation import clock, delivery, hooks, outbox
from shaodao.foundation.models import Delivery, Webhook

NOW = datetime(2021, 5, 24, 1, 0, tzinfo=UTC)


class Receiver(ThreadingHTTPServer):
    """Writes down what arrives; answers with `status`, and a redirect when asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        self.status, self.location = 200, ""
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/hook?x=1"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        self.send_response(self.server.status)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()
        self.wfile.write("不行".encode() * 400)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def receiver(monkeypatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SHAODAO_WEBHOOK_PRIVATE", "1")
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def hook(url: str, topics: tuple[str, ...] = ("case.",)) -> Webhook:
    return Webhook.objects.create(name="x", url=url, secret="秘密", topics=list(topics), created_at=NOW)


def publish(topic: str = "case.file") -> Delivery | None:
    return outbox.publish(topic, "2021-000001", {"case": 1, "text": "垃圾"}, NOW).deliveries.first()


@pytest.mark.django_db
def test_a_webhook_is_signed_and_names_its_delivery(receiver):
    hook(receiver.url)
    assert publish("inbox.changed") is None
    row = publish()
    assert delivery.deliver_due(NOW) == 1
    ((headers, body),) = receiver.seen
    row.refresh_from_db()
    assert (row.state, row.sent_at, row.attempts) == ("sent", NOW, 1)
    stamp = headers["X-Shaodao-Timestamp"]
    expected = hmac.new("秘密".encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["X-Shaodao-Signature"] == f"sha256={expected}" and stamp == str(int(NOW.timestamp()))
    assert headers["X-Shaodao-Delivery"] == str(row.pk) and headers["Host"] == f"localhost:{receiver.server_port}"
    assert json.loads(body)["payload"] == {"case": 1, "text": "垃圾"} and json.loads(body)["topic"] == "case.file"
    assert delivery.deliver_due(NOW) == 0 and len(receiver.seen) == 1


@pytest.mark.django_db
def test_retries_with_growing_pauses_then_failed_then_resent(receiver):
    hook(receiver.url)
    row, at, waits = publish(), NOW, []
    receiver.status = 503
    for _i in range(delivery.ATTEMPTS):
        assert delivery.deliver_due(at) == 0
        row.refresh_from_db()
        waits.append((row.next_attempt_at - at).total_seconds())
        assert delivery.deliver_due(row.next_attempt_at - timedelta(seconds=1)) == 0 or row.state == "failed"
        at = row.next_attempt_at
    assert waits[:4] == [30, 60, 120, 240] and max(waits) <= delivery.LONGEST_PAUSE.total_seconds()
    assert row.state == "failed" and row.attempts == delivery.ATTEMPTS == len(receiver.seen)
    assert row.last_error.startswith("Refusal: HTTP 503 不行") and len(row.last_error) <= delivery.ERROR_LENGTH
    receiver.status = 204
    delivery.resend(row, at)
    assert delivery.deliver_due(at) == 1
    assert receiver.seen[-1][0]["X-Shaodao-Delivery"] == str(row.pk)


@pytest.mark.django_db
def test_a_redirect_is_a_failure_not_a_journey(receiver):
    hook(receiver.url)
    row = publish()
    receiver.status, receiver.location = 302, receiver.url
    delivery.deliver_due(NOW)
    row.refresh_from_db()
    assert "HTTP 302" in row.last_error and len(receiver.seen) == 1


@pytest.mark.django_db
def test_a_worker_that_dies_leaves_the_row_for_the_next(receiver):
    hook(receiver.url)
    row = publish()
    (claimed,) = delivery.claim(NOW, 10)  # and then this worker is gone
    assert claimed.pk == row.pk
    assert delivery.deliver_due(NOW + timedelta(seconds=60)) == 0
    assert delivery.deliver_due(NOW + delivery.LEASE) == 1
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("sent", 2)


@pytest.mark.django_db(transaction=True)
def test_several_workers_send_each_row_once(receiver):
    hook(receiver.url)
    for _i in range(40):
        publish()
    faults: list[Exception] = []

    def work() -> None:
        try:
            delivery.deliver_due(NOW)
        except Exception as error:
            faults.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sent = sorted(int(headers["X-Shaodao-Delivery"]) for headers, _body in receiver.seen)
    assert not faults and sent == sorted(Delivery.objects.values_list("pk", flat=True)) and len(sent) == 40
    assert not Delivery.objects.exclude(state="sent").exists()


@pytest.mark.django_db
def test_one_that_fails_stops_nobody_else(receiver):
    hook("http://localhost:1/")
    hook(receiver.url)
    publish()
    assert delivery.deliver_due(NOW) == 1
    broken = Delivery.objects.exclude(state="sent").get()
    assert broken.state == "waiting" and "Connect" in broken.last_error


@pytest.mark.django_db
def test_a_stopped_subscription_gets_nothing_more(receiver):
    stopped = hook(receiver.url)
    row = publish()
    stopped.active = False
    stopped.save()
    delivery.deliver_due(NOW)
    row.refresh_from_db()
    assert row.state == "failed" and row.last_error and not receiver.seen


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1", "::"],
)  # fmt: skip
def test_addresses_inside(address):
    assert not hooks.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "223.5.5.5", "2400:3200::1", "64:ff9b::808:808"])
def test_addresses_outside(address):
    assert hooks.is_public(address)


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
def test_nothing_is_sent_inside_unless_it_is_allowed(receiver, monkeypatch, host):
    monkeypatch.delenv("SHAODAO_WEBHOOK_PRIVATE")
    hook(f"http://{host}:{receiver.server_port}/")
    row = publish()
    delivery.deliver_due(NOW)
    row.refresh_from_db()
    assert row.state == "waiting" and row.last_error.startswith("Refusal") and not receiver.seen


@pytest.mark.parametrize(
    "url", ["ftp://example.com/", "http://", "file:///etc/passwd", "http://u:p@example.com/", "http://[x"]
)
def test_urls_that_cannot_be(url):
    with pytest.raises(ValueError):
        hooks.check_url(url)


@pytest.mark.django_db
def test_email_goes_through_django_and_its_address_is_looked_up_late():
    book = {"7": "li@example.com"}
    delivery.address_book("test", lambda key: book.get(key, ""))
    message = outbox.publish("case.file", "x", {}, NOW)
    row = outbox.post(message, "email", "test:7", "主题", "正文", NOW)
    gone = outbox.post(message, "email", "test:8", "主题", "正文", NOW)
    assert delivery.deliver_due(NOW) == 1
    (sent,) = mail.outbox
    assert sent.to == ["li@example.com"] and sent.extra_headers["Message-ID"].startswith(f"<shaodao-{row.pk}@")
    gone.refresh_from_db()
    assert gone.state == "failed" and gone.attempts == 1


@pytest.mark.django_db
def test_sms_is_written_down_by_default_and_an_adapter_can_take_it(settings, tmp_path, monkeypatch):
    settings.VAR = tmp_path
    message = outbox.publish("case.file", "x", {}, NOW)
    row = outbox.post(message, "sms", "13800000000", "主题", "正文", NOW)
    with clock.freeze(NOW):
        assert delivery.deliver_due(NOW) == 1
    (path,) = (tmp_path / "outgoing" / "sms").iterdir()
    written = json.loads(path.read_text())
    assert written["to"] == "13800000000" and written["body"] == "正文" and written["sent"] is False
    assert path.stat().st_mode & 0o077 == 0 and path.stem == f"{row.pk:08d}"
    monkeypatch.setenv("SHAODAO_WECOM_ADAPTER", f"{__name__}.provider")
    outbox.post(message, "wecom", "group", "主题", "正文", NOW)
    assert delivery.deliver_due(NOW) == 1 and TAKEN == [("wecom", "group", "正文")]
    monkeypatch.setenv("SHAODAO_SMS_ADAPTER", "no.such.thing")
    wrong = outbox.post(message, "sms", "138", "主题", "正文", NOW)
    assert delivery.deliver_due(NOW) == 0
    wrong.refresh_from_db()
    assert "SHAODAO_SMS_ADAPTER" in wrong.last_error and wrong.state == "waiting"


TAKEN: list[tuple[str, str, str]] = []


def provider(channel: str, recipient: str, subject: str, body: str, delivery_id: str) -> None:
    TAKEN.append((channel, recipient, body))


@pytest.mark.django_db
def test_a_long_queue_costs_a_bounded_number_of_queries_a_row(receiver):
    from django.test.utils import CaptureQueriesContext

    hook(receiver.url)
    for _i in range(30):
        publish()
    with CaptureQueriesContext(connection) as found:
        assert delivery.deliver_due(NOW) == 30
    assert len(found) < 30 * 2
