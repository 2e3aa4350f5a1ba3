"""Ids: unique, and written so that every reader can keep them."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import Feed, Table
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning

LONGEST = 255
"""Characters; the specification sets no limit, the databases of its readers do."""


def id_columns(feed: Feed) -> list[tuple[Table, str]]:
    """Every table whose rows have an id of their own, with that id's field."""
    return [
        (feed.vehicles, feed.words.vehicle_id),
        (feed.stations, "station_id"),
        (feed.statuses, "station_id"),
        (feed.types, "vehicle_type_id"),
        (feed.plans, "plan_id"),
        (feed.regions, "region_id"),
        (feed.table("system_alerts", "alerts"), "alert_id"),
    ]


def duplicate_ids(feed: Feed) -> Iterator[Finding]:
    """An ID "MUST be unique within like fields (for example, station_id MUST be unique among stations)" (Field Types, ID)."""
    for table, key in id_columns(feed):
        seen: dict[str, int] = {}
        for row, value in enumerate(table.texts(key)):
            if value is None:
                continue
            if value in seen:
                words = {"id": shown(value), "n": table.at[seen[value]]}
                what = _("编号 %(id)s 重复，第 %(n)d 项已用过（从 0 数起）") % words
                yield error("duplicate-id", table.label, table.path(row, key), what)
            else:
                seen[value] = row


def id_characters(feed: Feed) -> Iterator[Finding]:
    """Since 3.0 an ID "MUST be in the ASCII printable character range, space excluded (0x21 to 0x7E)"; before, it "MUST
    NOT contain spaces" and other characters are merely asking for trouble (Field Types, ID).
    """
    for table, key in id_columns(feed):
        for row, value in enumerate(table.texts(key)):
            if value is None or (value and value.isascii() and value.isprintable() and " " not in value):
                continue
            path, words = table.path(row, key), {"id": shown(value)}
            if not value:
                yield error("id-characters", table.label, path, _("编号是空的"))
            elif " " in value:
                yield error("id-characters", table.label, path, _("编号 %(id)s 里有空格") % words)
            else:
                level = error if feed.major >= 3 else warning
                what = _("编号 %(id)s 里有 ASCII 可见字符以外的字符") % words
                yield level("id-characters", table.label, path, what)


def long_ids(feed: Feed) -> Iterator[Finding]:
    """The specification gives no length (Field Types, ID); an id of kilobytes is a mistake or an attack."""
    for table, key in id_columns(feed):
        for row, value in enumerate(table.texts(key)):
            if value is not None and len(value) > LONGEST:
                what = _("编号太长：%(n)d 个字符") % {"n": len(value)}
                yield warning("long-id", table.label, table.path(row, key), what)
