"""The feed as a whole: its files, versions, addresses and languages."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from shaodao.bikes.gbfs import versions
from shaodao.bikes.gbfs.feed import Feed, File, listing, mapping
from shaodao.bikes.gbfs.findings import Finding, error, shown, warning
from shaodao.bikes.gbfs.parsing import pointer

LOCALISED_ROWS = 2000
"""Rows of a table whose texts are looked at; names repeat their mistakes."""


def missing_files(feed: Feed) -> Iterator[Finding]:
    """The table of Files: system_information is required; station_information and station_status "of systems utilizing docks",
    vehicle_status (free_bike_status) of dockless ones; vehicle_types "of systems that include information about vehicle
    types in the vehicle_status file"; and what a `pricing_plan_id` or `region_id` refers to.
    """
    have = set(feed.files) | feed.lost
    docked = bool(have & {"station_information", "station_status"})
    dockless = feed.words.vehicle_file in have
    needed = {name: _("规范要求的文件") for name in versions.required(feed.family, docked, dockless) if name != "gbfs"}
    if not docked and not dockless:
        needed[feed.words.vehicle_file] = _("既没有站点文件，也没有车辆文件")
    if feed.family >= "2.1":
        if any(feed.vehicles.texts("vehicle_type_id")):
            needed["vehicle_types"] = _("车辆给出了 vehicle_type_id")
        elif any(listing(row.get("vehicle_types_available")) for row in feed.statuses.rows):
            needed["vehicle_types"] = _("站点给出了 vehicle_types_available")
    if any(feed.vehicles.texts("pricing_plan_id")) or any(feed.types.texts("default_pricing_plan_id")):
        needed["system_pricing_plans"] = _("给出了价格方案的编号")
    if any(feed.stations.texts("region_id")):
        needed["system_regions"] = _("站点给出了 region_id")
    for name, why in needed.items():
        if name not in have:
            what = _("缺少 %(name)s：%(why)s") % {"name": name, "why": why}
            yield error("missing-file", f"{name}.json", "", what)


def unknown_versions(feed: Feed) -> Iterator[Finding]:
    """`version`: "GBFS version number to which the feed conforms" (Output Format); one that was never published means nothing.

    Release candidates and what came before 2.0 are read by the nearest rules, with a warning.
    """
    for file in feed.files.values():
        said = file.version
        if said and not versions.family(said):
            what = _("没有这个 GBFS 版本：%(version)s") % {"version": shown(said)}
            yield error("version-unknown", file.label, "/version", what)
        elif said.startswith("1."):
            what = _("版本 %(version)s 已废止") % {"version": said}
            yield warning("version-old", file.label, "/version", what)
        elif said != "" and said.partition("-")[2] and file.name == "gbfs":
            what = _("版本 %(version)s 是候选版，按 %(family)s 检查") % {
                "version": said,
                "family": versions.family(said),
            }
            yield warning("version-candidate", file.label, "/version", what)


def mixed_versions(feed: Feed) -> Iterator[Finding]:
    """ "All endpoints within a data set SHOULD conform to the same MAJOR or MINOR version. Mixing is NOT RECOMMENDED" (Version
    Endpoints). Of another major version is an error: ids, names and times of the two cannot be read together.
    """
    for file in feed.files.values():
        own = versions.family(file.version)
        if not own or own == feed.family or file.name in ("manifest", "gbfs_versions"):
            continue
        level = error if own[0] != feed.family[0] else warning
        what = _("版本是 %(own)s，而整个数据源是 %(all)s") % {"own": file.version, "all": feed.family}
        yield level("version-mixed", file.label, "/version", what)


def versions_order(feed: Feed) -> Iterator[Finding]:
    """ "The array MUST be sorted by increasing MAJOR and MINOR version number" (gbfs_versions.json, manifest.json)."""
    lists: list[tuple[File, str, list[Any]]] = []
    if file := feed.files.get("gbfs_versions"):
        lists.append((file, "/data/versions", listing(file.data.get("versions"))))
    if file := feed.files.get("manifest"):
        for n, dataset in enumerate(listing(file.data.get("datasets"))):
            lists.append((file, f"/data/datasets/{n}/versions", listing(mapping(dataset).get("versions"))))
    for file, path, entries in lists:
        said = [v for entry in entries if isinstance(v := mapping(entry).get("version"), str)]
        if said != sorted(said, key=lambda v: [int(n) for n in re.findall(r"\d{1,9}", v)]):
            yield error("versions-order", file.label, path, _("版本没有从小到大排列"))


def repeated_lines(feed: Feed) -> Iterator[Finding]:
    """gbfs.json: `name` is the "key identifying the type of feed this is"; a key that stands twice identifies nothing."""
    index = feed.files.get("gbfs")
    if index is None:
        return
    groups = [("/data/feeds", index.data.get("feeds"))]
    groups += [(f"/data/{pointer(key)}/feeds", mapping(value).get("feeds")) for key, value in index.data.items()]
    for path, entries in groups:
        seen: set[str] = set()
        for n, entry in enumerate(listing(entries)):
            name = mapping(entry).get("name")
            if isinstance(name, str) and name in seen:
                what = _("%(name)s 列了两次") % {"name": shown(name)}
                yield error("listed-twice", index.label, f"{path}/{n}", what)
            elif isinstance(name, str):
                seen.add(name)


def insecure_addresses(feed: Feed) -> Iterator[Finding]:
    """ "All endpoints MUST use HTTPS" (File Distribution, 3.0) and "All deep links MUST use HTTPS" (File Requirements, 3.0). A
    warning, because 2.x has no such rule and a feed is tried out without a certificate before it is published.
    """
    index = feed.files.get("gbfs")
    if index:
        groups = [("/data/feeds", index.data.get("feeds"))]
        groups += [(f"/data/{pointer(key)}/feeds", mapping(value).get("feeds")) for key, value in index.data.items()]
        for path, entries in groups:
            for n, entry in enumerate(listing(entries)):
                url = mapping(entry).get("url")
                if isinstance(url, str) and _scheme(url) == "http":
                    yield warning("no-https", index.label, f"{path}/{n}/url", _("地址没有用 https"))
    for table in (feed.vehicles, feed.stations):
        for row, entry in enumerate(table.rows):
            for platform, uri in mapping(entry.get("rental_uris")).items():
                if isinstance(uri, str) and _scheme(uri) == "http":
                    path = table.path(row, "rental_uris", pointer(platform))
                    yield warning("no-https", table.label, path, _("地址没有用 https"))


def web_links(feed: Feed) -> Iterator[Finding]:
    """`rental_uris.web` is a URL: "a fully qualified URL that includes http:// or https://" (Field Types)."""
    for table in (feed.vehicles, feed.stations):
        for row, entry in enumerate(table.rows):
            uri = mapping(entry.get("rental_uris")).get("web")
            if isinstance(uri, str) and _scheme(uri) not in ("http", "https", ""):
                what = _("网页链接不是 http 或 https：%(uri)s") % {"uri": shown(uri)}
                yield error("web-link", table.label, table.path(row, "rental_uris", "web"), what)


def _scheme(url: str) -> str:
    """The scheme of an address; "" if there is none (the schema's finding)."""
    try:
        return urlsplit(url).scheme.lower()
    except ValueError:
        return ""


# Languages


def language_key(feed: Feed) -> Iterator[Finding]:
    """Before 3.0 gbfs.json's key is "the language that will be used throughout the rest of the files. It MUST match the value
    in the system_information.json file".
    """
    file = feed.files.get("system_information")
    said = file.data.get("language") if file else None
    if file and feed.major < 3 and feed.language and isinstance(said, str) and said != feed.language:
        words = {"said": shown(said), "key": shown(feed.language)}
        what = _("语言 %(said)s 与 gbfs.json 里的 %(key)s 不同") % words
        yield error("language-key", file.label, "/data/language", what)


def languages(feed: Feed) -> Iterator[Finding]:
    """Since 3.0 a Localized String's language "must match one of the values specified by the languages field in
    system_information.json" (Field Types): an error. "Translations MUST be provided for each supported language"
    (Localization): a warning, the text can still be shown.
    """
    file = feed.files.get("system_information")
    given = listing(file.data.get("languages")) if file else []
    declared = list(dict.fromkeys(tag for tag in given if isinstance(tag, str)))
    if feed.major < 3 or not declared:
        return
    for label, path, texts in localised(feed):
        seen: set[str] = set()
        for n, text in enumerate(texts):
            tag = text["language"]
            if not isinstance(tag, str):
                continue
            if tag not in declared:
                what = _("语言 %(tag)s 不在 system_information 的 languages 里") % {"tag": shown(tag)}
                yield error("language-unlisted", label, f"{path}/{n}/language", what)
            elif tag in seen:
                yield warning("language-twice", label, f"{path}/{n}", _("语言 %(tag)s 给了两次") % {"tag": shown(tag)})
            seen.add(tag)
        if texts and (lacking := [tag for tag in declared if tag not in seen]):
            what = _("缺少这些语言的文字：%(names)s") % {"names": shown(", ".join(lacking))}
            yield warning("translation-missing", label, path, what)


def localised(feed: Feed) -> Iterator[tuple[str, str, list[Any]]]:
    """(label, path, texts) of every array of Localized Strings, in the first rows of each table."""
    tables = [feed.stations, feed.types, feed.plans, feed.regions, feed.table("system_alerts", "alerts")]
    for table in tables:
        for row, entry in enumerate(table.rows[:LOCALISED_ROWS]):
            yield from _texts(table.label, table.path(row), entry)
    if file := feed.files.get("system_information"):
        yield from _texts(file.label, "/data", file.data)
    if file := feed.files.get("geofencing_zones"):
        features = listing(mapping(file.data.get("geofencing_zones")).get("features"))
        for n, feature in enumerate(features[:LOCALISED_ROWS]):
            path = f"/data/geofencing_zones/features/{n}/properties"
            yield from _texts(file.label, path, mapping(mapping(feature).get("properties")))


def _texts(label: str, path: str, entry: dict[str, Any]) -> Iterator[tuple[str, str, list[Any]]]:
    """The arrays in `entry` of which every member has `text` and `language`."""
    for key, value in entry.items():
        if isinstance(value, list) and value and all("text" in mapping(v) and "language" in mapping(v) for v in value):
            yield label, f"{path}/{pointer(key)}", value
