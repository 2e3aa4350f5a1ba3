"""How often one browser, or one network address, may do something; counted in a cache that the processes share.

A street full of people can share one address (mobile networks), so an address may do six times what a browser may.
Addresses are kept only as keyed digests and only for the hour that they count.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from shaodao.foundation import uploads
from shaodao.foundation.models import Upload

HOUR = 3600
ADDRESS_FACTOR = 6


@dataclass(frozen=True)
class Allowance:
    """`times` in `seconds` for one browser, `times * factor` for one address; 0 times means without limit."""

    name: str
    times: int
    seconds: int = HOUR
    factor: int = ADDRESS_FACTOR

    def exhausted(self, request: HttpRequest, extra: str = "") -> bool:
        return self.times > 0 and any(
            caches["limits"].get(key, 0) >= most for key, most in self._keys(request, extra).items()
        )

    def count(self, request: HttpRequest, extra: str = "", by: int = 1) -> None:
        if self.times > 0 and by > 0:
            for key in self._keys(request, extra):
                kept = caches["limits"]
                if not kept.add(key, by, self.seconds):
                    try:
                        kept.incr(key, by)
                    except ValueError:  # it ran out between the two calls
                        kept.set(key, by, self.seconds)

    def _keys(self, request: HttpRequest, extra: str) -> dict[str, int]:
        keys = {_key(self.name, "address", address_of(request), extra): self.times * self.factor}
        browser = request.META.get("CSRF_COOKIE")  # every browser that can send a form has one
        if browser:
            keys[_key(self.name, "browser", browser, extra)] = self.times
        return keys


def _key(*parts: str) -> str:
    return salted_hmac("portal.limits", "|".join(parts)).hexdigest()


def address_of(request: HttpRequest) -> str:
    """The visitor's address. Behind the reverse proxy that terminates TLS, it is the last one that the proxy noted."""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    if settings.SECURE and forwarded:
        return forwarded.rsplit(",", 1)[-1].strip()
    return request.META.get("REMOTE_ADDR", "")


def reports() -> Allowance:
    return Allowance("report", settings.REPORTS_PER_HOUR)


def additions() -> Allowance:
    return Allowance("addition", settings.REPORTS_PER_HOUR)


def photos() -> Allowance:
    return Allowance("photo", settings.REPORTS_PER_HOUR * settings.PHOTO_MAX_COUNT)


def store_photos(request: HttpRequest, files: list[Any], there: int) -> tuple[list[Upload], list[str]]:
    """Store photos as far as there is room beside `there` others and allowance: (uploads, a sentence for each fault)."""
    room = max(0, settings.PHOTO_MAX_COUNT - there)
    faults = []
    if over := files[room:]:
        names = "、".join(uploads.name_of(file) for file in over)
        faults.append(_("最多 %(n)d 张照片，没有保存：%(names)s") % {"n": settings.PHOTO_MAX_COUNT, "names": names})
    if files and photos().exhausted(request):
        return [], [*faults, _("一小时内上传的照片太多了，请稍后再试")]
    stored, unreadable = uploads.store_all(files[:room])
    photos().count(request, by=len(stored))
    return stored, faults + unreadable


# Wrong follow codes: five for one case from one address, thirty for all cases together.
WRONG_CODE = Allowance("follow", 5, 15 * 60, 1)
WRONG_CODES = Allowance("follow-any", 30, HOUR, 2)
