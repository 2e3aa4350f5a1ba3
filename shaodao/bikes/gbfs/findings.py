"""What a check says: where, what, and how bad."""

from typing import NamedTuple

ERROR, WARNING = "error", "warning"


class Finding(NamedTuple):
    """One fault. `check` is the check's stable name, `path` a JSON pointer into `file`, `what` in the caller's language.

    An error breaks a rule of the specification or cannot be true; a warning is something that the specification allows
    or only advises against, and that somebody should look at.
    """

    level: str
    check: str
    file: str
    path: str
    what: str

    def as_dict(self) -> dict[str, str]:
        """The form of the report: `{"file", "path", "what", "check"}`."""
        return {"file": self.file, "path": self.path, "what": self.what, "check": self.check}


def error(check: str, file: str, path: str, what: str) -> Finding:
    """A finding that makes the feed wrong."""
    return Finding(ERROR, check, file, path, what)


def warning(check: str, file: str, path: str, what: str) -> Finding:
    """A finding that somebody should look at."""
    return Finding(WARNING, check, file, path, what)


def shown(value: object, length: int = 60) -> str:
    """A value of the feed for a message: short, on one line, and never a control character."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: length + 1])
    return text if len(text) <= length else text[:length] + "…"
