"""Fetching from addresses that somebody typed in: only the open internet is reached, and a secret only its own server.

As with webhooks (hooks.py): a name is resolved once for each request and judged, and the connection goes to the
judged address; every redirect is judged anew. `SHAODAO_WEBHOOK_PRIVATE=1` allows addresses of one's own network.
"""

import socket

import httpx
from django.utils.translation import gettext as _

from shaodao.foundation import hooks

Origin = tuple[str, str, int | None]


def check_url(url: str) -> None:
    """Raises ValueError in plain words for an address that is not to be fetched from. Names are judged when fetching."""
    host = hooks.check_url(url)
    if hooks.private_allowed():
        return
    try:
        inside = not hooks.is_public(host)
    except ValueError:  # a name
        inside = host == "localhost" or host.endswith((".localhost", ".local", ".internal"))
    if inside:
        raise ValueError(_("不能是内部地址"))


def transport(url: str, header: str = "", secret: str = "") -> "Guard":
    """For an `httpx.Client`, with the header for requests to the server of `url` only."""
    return Guard(_origin(httpx.URL(url)), {header: secret} if header else {})


class Guard(httpx.BaseTransport):
    """Judges where each request goes to, also after redirects."""

    def __init__(self, origin: Origin, headers: dict[str, str]) -> None:
        self.origin, self.headers, self.inner = origin, headers, httpx.HTTPTransport(retries=0)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        address = _judged(url.host, url.port or (443 if url.scheme == "https" else 80))
        headers = request.headers.copy()
        if _origin(url) == self.origin:
            headers.update(self.headers)
        return self.inner.handle_request(
            httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
        )

    def close(self) -> None:
        self.inner.close()


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port


def _judged(host: str, port: int) -> str:
    """One of the host's addresses. Raises httpx.ConnectError where there is none, or one of them is not public."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(_("找不到主机 %(host)s") % {"host": host}) from error
    if not hooks.private_allowed() and not all(hooks.is_public(address) for address in found):
        raise httpx.ConnectError(_("%(host)s 指向内部地址，不读取") % {"host": host})
    return sorted(found, key=lambda a: (":" in a, a))[0]
