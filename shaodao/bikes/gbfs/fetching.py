"""One file over HTTP, with an end to everything: time, size, redirects."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from django.utils.translation import gettext as _

from shaodao import __version__
from shaodao.bikes.gbfs.findings import Finding, error, warning

MAX_BYTES = 64 * 1024 * 1024
"""Of one file, unpacked; a city of a million vehicles fits."""
MAX_REDIRECTS = 5
PERMANENT = (301, 308)
HEADERS = {
    "User-Agent": f"shaodao/{__version__}",
    "Accept": "application/json, */*;q=0.1",
    "Accept-Encoding": "gzip, identity",
}


@dataclass(frozen=True)
class Answer:
    """What came: the content (None if none came), findings, the status (0 if the server did not answer), the headers."""

    content: bytes | None
    findings: tuple[Finding, ...] = ()
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class TooMuch(Exception):
    """A limit of ours was reached: why, in the caller's language."""


def client(timeout: float, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client for `fetch`; `timeout` in seconds, for connecting and for each read. With a transport no proxy is asked."""
    return httpx.Client(
        timeout=timeout, follow_redirects=True, max_redirects=MAX_REDIRECTS, headers=HEADERS,
        transport=transport, trust_env=transport is None,
    )  # fmt: skip


def fetch(
    http: httpx.Client, url: str, label: str, timeout: float,
    headers: Mapping[str, str] | None = None, most: int | None = None,
) -> Answer:  # fmt: skip
    """GET `url` within `timeout` seconds once its headers are there. Never raises for what the other side does.

    `most`: bytes, unpacked, if less than MAX_BYTES are wanted.
    """
    status = 0
    try:
        with http.stream("GET", url, headers=headers) as response:
            status = response.status_code
            if status != httpx.codes.OK:
                return Answer(None, (error("http", label, "", _("服务器答复 HTTP %(n)d") % {"n": status}),), status)
            content = _body(response, time.monotonic() + timeout, most or MAX_BYTES)
            return Answer(content, tuple(_moved(response, label)), status, response.headers)
    except TooMuch as reason:
        what = str(reason)
    except httpx.TimeoutException:
        what = _("%(n)g 秒内没有答复") % {"n": timeout}
    except httpx.TooManyRedirects:
        what = _("重定向超过 %(n)d 次") % {"n": MAX_REDIRECTS}
    except httpx.RemoteProtocolError as reason:
        what = _("连接中途断开，内容不完整（%(why)s）") % {"why": reason}
    except httpx.DecodingError:
        what = _("声明的压缩方式与内容不符")
    except httpx.UnsupportedProtocol:
        what = _("地址不是 http 或 https")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnicodeError) as reason:
        what = _("无法连接（%(why)s）") % {"why": str(reason) or type(reason).__name__}
    return Answer(None, (error("http", label, "", what),), status)


def _body(response: httpx.Response, end: float, most: int) -> bytes:
    """The whole content. A server that drips a byte a second never runs into a read timeout, hence `end`."""
    begun, parts, size = time.monotonic(), [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > most:
            raise TooMuch(_("文件超过 %(n)d MB") % {"n": most // 2**20})
        if time.monotonic() > end:
            raise TooMuch(_("%(n)g 秒内没有传完") % {"n": round(end - begun)})
        parts.append(part)
    return b"".join(parts)


def _moved(response: httpx.Response, label: str) -> list[Finding]:
    """A permanent redirect: the published address is out of date."""
    if any(step.status_code in PERMANENT for step in response.history):
        return [warning("redirect", label, "", _("地址已永久迁移到 %(url)s") % {"url": response.url})]
    return []
