"""Ids for the outside: stable where they name a thing, changing where they would name somebody's way."""

import base64
import hashlib
import hmac
import re
import uuid

from django.conf import settings

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://shaodao.example/bikes")
_PLAIN = re.compile(r"[\x21-\x7e]{1,60}")
_DOMAIN = b"shaodao.bikes.publish.vehicle"


def uid(*parts: object) -> str:
    """The UUID of a published thing: the same for the same parts, on every machine."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


def ascii_id(code: str) -> str:
    """A code as an id of GBFS (visible ASCII): itself where it is one, else one made of it."""
    return code if _PLAIN.fullmatch(code) else uid("code", code)


class Rotating:
    """Ids of vehicles that change whenever a vehicle has been moved: without the secret nobody can tell which of today's
    bikes was which of yesterday's, or find an id for a vehicle that is known."""

    def __init__(self) -> None:
        self._key = hashlib.sha256(_DOMAIN + settings.SECRET_KEY.encode()).digest()

    def __call__(self, operator_id: int, vehicle_id: str, stood_since_ms: int) -> str:
        what = f"{operator_id}\0{vehicle_id}\0{stood_since_ms}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, what, "sha256")
        return base64.b32encode(digest[:15]).decode().lower()
