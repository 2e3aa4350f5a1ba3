"""What a sign-in still needs, and what a code looks like: pure decisions."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from shaodao.foundation.district import RequiredFor, Settings

CONFIRMED_FOR = timedelta(minutes=10)  # how long a password that was just given stands for "it is really you"
PENDING_FOR = timedelta(minutes=15)  # between the password and the code
TOO_MANY = 50  # wrong codes in a row from any addresses; NIST SP 800-63B asks for a hundred at most
STEPS_OFF = 1  # a phone's clock may be this many steps of 30 s away
RECOVERY_CODES, RECOVERY_LENGTH = 10, 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # nothing that is mistaken for something else: 10 of 31 are 49 bits


class Need(Enum):
    """What a sign-in needs after the password."""

    NOTHING = "nothing"
    CODE = "code"
    SET_UP = "set_up"


def allowed(settings: Settings) -> bool:
    """May anybody in this district have a second factor?"""
    return settings.second_factor != "off"


def required(settings: Settings, roles: Iterable[str], sample: bool) -> bool:
    """Must the holder of these roles have one? Never the invented people, whose password is on the sign-in page."""
    rule = settings.second_factor
    return isinstance(rule, RequiredFor) and not sample and not set(rule.required_for).isdisjoint(roles)


def need(settings: Settings, roles: Iterable[str], *, sample: bool, has_factor: bool, strong: bool) -> Need:
    """What comes after the password. `strong`: the provider of the single sign-on has asked for a second factor."""
    if not allowed(settings) or strong:
        return Need.NOTHING
    if has_factor:
        return Need.CODE
    return Need.SET_UP if required(settings, roles, sample) else Need.NOTHING


def recent(at: float | None, now: datetime, span: timedelta) -> bool:
    """Was `at` (seconds since 1970) within `span` before `now`?"""
    return at is not None and 0 <= now.timestamp() - at < span.total_seconds()


def plain(text: str) -> str:
    """A code as it was meant: full-width digits of a Chinese keyboard, spaces, hyphens and capitals do not matter."""
    return re.sub(r"[\s\-_]", "", unicodedata.normalize("NFKC", text)).lower()


def is_totp(code: str) -> bool:
    return re.fullmatch(r"[0-9]{6}", code) is not None


def is_recovery(code: str) -> bool:
    return len(code) == RECOVERY_LENGTH and set(code) <= set(ALPHABET)


def shown(code: str) -> str:
    """A recovery code in two halves, as it is printed."""
    half = RECOVERY_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
