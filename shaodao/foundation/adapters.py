"""How texts leave for telephones: the adapter point for SMS and WeCom (企业微信).

An adapter is a callable `send(channel, recipient, subject, body, delivery_id) -> None` that raises on failure; the
delivery is then tried again later. `delivery_id` is stable over retries, so that a provider can drop doubles.
Set `SHAODAO_SMS_ADAPTER` / `SHAODAO_WECOM_ADAPTER` to its dotted path. Without one, messages are only written down.
"""

import json
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from django.conf import settings

from shaodao.foundation import clock

Adapter = Callable[[str, str, str, str, str], None]
FILE = "shaodao.foundation.adapters.write_down"


def write_down(channel: str, recipient: str, subject: str, body: str, delivery_id: str) -> None:
    """The default: VAR/outgoing/<channel>/<delivery>.json says what would have been sent (readable by the owner only)."""
    folder = settings.VAR / "outgoing" / channel
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{delivery_id}.json"
    content = {
        "sent": False,
        "why": "no provider is configured: this is what would have been sent",
        "channel": channel,
        "to": recipient,
        "subject": subject,
        "body": body,
        "at": clock.local(clock.now()).isoformat(timespec="seconds"),
    }
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)


def adapter(channel: str) -> Adapter:
    """The configured adapter of a channel ("sms" or "wecom"). Raises ValueError when its path leads nowhere."""
    path = os.environ.get(f"SHAODAO_{channel.upper()}_ADAPTER") or FILE
    module, _dot, name = path.rpartition(".")
    try:
        found: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"SHAODAO_{channel.upper()}_ADAPTER={path}: {error}") from error
    return found  # type: ignore[no-any-return]
