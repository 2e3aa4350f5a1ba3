"""The second, small process: `granian --interface asgi shaodao.config.asgi:application` serves GET /events and what is
below it.

Pages and API stay on WSGI. A reverse proxy leads /events here; without one the stream is on a port of its own.
"""

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shaodao.config.settings")
django.setup()

from shaodao.bikes.seen.live import Bikes  # noqa: E402
from shaodao.cases.live.stream import Stream  # noqa: E402

application = Bikes(Stream())


def command(host: str, port: int) -> list[str]:
    """How to start this process; one worker, since one reader serves all listeners.

    Open streams do not end by themselves: at the end the worker gets three seconds and its listeners come back later.
    """
    return [
        sys.executable, "-m", "granian", "--interface", "asgi", "--host", host, "--port", str(port), "--workers", "1",
        "--no-ws", "--workers-kill-timeout", "3", "--log-level", "warning", "shaodao.config.asgi:application",
    ]  # fmt: skip
