"""Secrets that have to be read again (an authenticator's key) lie encrypted in the database.

The key is derived from the signing key (`SECRET_KEY`, and its fallbacks for reading): a copy of the database alone
opens nothing. Who loses the signing key resets the second factors.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """It was sealed under another signing key."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    def derived(key: str) -> Fernet:
        raw = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"shaodao.organisations.factor").derive(key.encode())
        return Fernet(base64.urlsafe_b64encode(raw))

    return MultiFernet([derived(key) for key in keys])


def _current() -> MultiFernet:
    return _box((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


def seal(text: str) -> str:
    return _current().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text again; raises Unreadable."""
    try:
        return _current().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None
