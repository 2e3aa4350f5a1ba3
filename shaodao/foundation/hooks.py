"""Webhooks: a signed POST to a subscriber, and nowhere inside our own network.

Headers: X-Shaodao-Delivery (the same over all attempts), X-Shaodao-Topic, X-Shaodao-Timestamp (seconds since 1970) and
X-Shaodao-Signature: `sha256=` and the hex HMAC-SHA256 of `timestamp.body` under the subscriber's secret.
"""

import hashlib
import hmac
import ipaddress
import os
import socket
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
from django.utils.translation import gettext as _

from shaodao.foundation.models import Delivery, OutboxMessage, Webhook

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
ANSWER_LENGTH = 300


class Refusal(Exception):
    """The subscriber did not take it, or its address is not one to send to."""


def private_allowed() -> bool:
    """`SHAODAO_WEBHOOK_PRIVATE=1` lets webhooks go to private addresses: for tests and machines of one's own network."""
    return os.environ.get("SHAODAO_WEBHOOK_PRIVATE") == "1"


def body_of(message: OutboxMessage) -> bytes:
    """What is sent: id, topic, subject, payload and time of the message, as JSON."""
    return orjson.dumps(
        {
            "id": message.pk,
            "topic": message.topic,
            "subject": message.subject,
            "payload": message.payload,
            "created_at": message.created_at,
        }
    )


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hex HMAC-SHA256 of `timestamp.body`."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def check_url(url: str) -> str:
    """The host of an http(s) URL that may be sent to. Raises ValueError in plain words."""
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(_("网址不对")) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValueError(_("网址应以 http:// 或 https:// 开头"))
    if parts.username or parts.password:
        raise ValueError(_("网址里不要写用户名和密码"))
    return host


def addresses(host: str, port: int) -> list[str]:
    """The host's network addresses. Raises Refusal when one of them is not public (unless allowed), or none is found."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise Refusal(f"{host}: {error}") from error
    for address in found:
        if not private_allowed() and not is_public(address):
            raise Refusal(_("%(host)s 指向内部地址 %(address)s，不发送") % {"host": host, "address": address})
    return sorted(found, key=lambda a: (":" in a, a))


def is_public(address: str) -> bool:
    """Is this an address of the open internet? An IPv6 address that carries an IPv4 one is judged by that one."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    if inner is not None:
        return is_public(str(inner))
    if found in ipaddress.ip_network("64:ff9b::/96") if found.version == 6 else False:
        return is_public(str(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)))
    return found.is_global and not found.is_multicast


def post(hook: Webhook, row: Delivery, now: datetime) -> None:
    """Send one delivery. Raises Refusal for any answer but 2xx (redirects are not followed) and httpx errors.

    The name is resolved once, judged, and the connection goes to the judged address: a name that answers differently
    the second time leads nowhere else.
    """
    try:
        host = check_url(hook.url)
    except ValueError as error:
        raise Refusal(str(error)) from error
    url = httpx.URL(hook.url)
    address = addresses(host, url.port or (443 if url.scheme == "https" else 80))[0]
    body, timestamp = body_of(row.message), str(int(now.timestamp()))
    headers = {
        "Host": url.netloc.decode(),
        "Content-Type": "application/json",
        "User-Agent": "Shaodao-Webhook/1",
        "X-Shaodao-Delivery": str(row.pk),
        "X-Shaodao-Topic": row.message.topic,
        "X-Shaodao-Timestamp": timestamp,
        "X-Shaodao-Signature": sign(hook.secret, timestamp, body),
    }
    extensions: dict[str, Any] = {"sni_hostname": host}
    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
        request = client.build_request(
            "POST", url.copy_with(host=address), content=body, headers=headers, extensions=extensions
        )
        response = client.send(request, stream=True)
        try:
            if not response.is_success:
                raise Refusal(f"HTTP {response.status_code} {_start_of(response)}".strip())
        finally:
            response.close()


def _start_of(response: httpx.Response) -> str:
    """The beginning of an answer, for the log; never more than a little of it is read."""
    for chunk in response.iter_bytes(ANSWER_LENGTH):
        return chunk.decode(errors="replace")[:ANSWER_LENGTH]
    return ""
