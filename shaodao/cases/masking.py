"""What of a person is shown to those who need not know them: a first character, a few figures, never the whole."""

import re

from shaodao.cases.models import Contact

LONG_FIGURES = re.compile(r"(?<!\d)(\d{3})\d{4,11}(\d{3}[\dXx])(?!\d)")
MOBILE = re.compile(r"(?<!\d)(1[3-9]\d)[ \-]?\d{4}[ \-]?(\d{4})(?!\d)")
MAIL = re.compile(r"([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")


def masked(text: str) -> str:
    """Free text without whole telephone and identity numbers (3 + 4 figures stay) and mail names, in case one slipped."""
    return MAIL.sub(r"\1***@\2", LONG_FIGURES.sub(r"\1****\2", MOBILE.sub(r"\1****\2", text)))


def name(text: str) -> str:
    """The first character only: 王*."""
    return f"{text[0]}*" if text else ""


def phone(text: str) -> str:
    """Three digits, four stars, the last four: 138****1234; short numbers keep less."""
    figures = text.strip()
    if not figures:
        return ""
    return f"{figures[:3]}****{figures[-4:]}" if len(figures) >= 9 else f"{figures[:1]}****"


def email(text: str) -> str:
    """The first character and the host: w***@example.org."""
    local, at, host = text.partition("@")
    return f"{local[:1]}***{at}{host}" if at else ""


def contact(row: Contact) -> list[str]:
    """What of a reporter's contact a page shows before somebody asks for it with a reason."""
    return [text for text in (name(row.name), phone(row.phone), email(row.email)) if text]
