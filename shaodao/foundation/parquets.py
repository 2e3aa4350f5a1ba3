"""Sets of Parquet files: found, a broken one named; and a result that appears under its name only when it is whole."""

import os
import shutil
from pathlib import Path

from django.utils.translation import gettext as _

SUFFIXES = (".parquet", ".parq", ".pq")


class Broken(Exception):
    """A file that cannot be read to its end; the message names it."""

    def __init__(self, path: Path, error: Exception) -> None:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        super().__init__(_("文件 %(file)s 读不出来：%(e)s") % {"file": path, "e": why})


def under(folder: Path) -> list[Path]:
    """All Parquet files at any depth, sorted. Names that begin with `_` or `.` are not data, as with Spark and Hive."""
    found = []
    for root, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if "=" in name or not name.startswith(("_", "."))]
        found += [Path(root, n) for n in names if n.lower().endswith(SUFFIXES) and not n.startswith(("_", "."))]
    return sorted(found)


def put(made: Path, out: Path) -> None:
    """The result appears under its name only when it is whole."""
    unfinished = out.with_name(out.name + ".part")
    try:
        shutil.copyfile(made, unfinished)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
