"""Geofencing zones: rules that contradict each other or themselves."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from django.utils.translation import gettext as _

from shaodao.bikes.gbfs.feed import Feed, listing, mapping, moment
from shaodao.bikes.gbfs.findings import Finding, warning
from shaodao.bikes.gbfs.semantics.rings import multipolygon, zone_features

ATTRIBUTES = ("ride_allowed", "ride_start_allowed", "ride_end_allowed", "ride_through_allowed", "station_parking")
FEATURES = "/data/geofencing_zones/features"
SLIVER = 0.01
"""Zones that share less than this part of the smaller one touch rather than overlap: drawn by hand, edges do not meet."""
ZONES, PAIRS, RULES = 2_000, 20_000, 200
"""Zones, overlapping pairs, and rules of one list that are compared with each other; a feed with more has other problems."""


def rule_lists(feed: Feed) -> Iterator[tuple[str, str, list[Any]]]:
    """(label, path, rules) of every array of rules: of each zone, and `global_rules`."""
    file = feed.files.get("geofencing_zones")
    if file is None:
        return
    for n, feature in enumerate(zone_features(feed)):
        rules = mapping(mapping(feature).get("properties")).get("rules")
        yield file.label, f"{FEATURES}/{n}/properties/rules", listing(rules)
    yield file.label, "/data/global_rules", listing(file.data.get("global_rules"))


def types_of(rule: dict[str, Any], feed: Feed) -> frozenset[str] | None:
    """The vehicle types that a rule is for; None: for all ("if vehicle type IDs are not specified")."""
    names = rule.get(feed.words.rule_types)
    if not isinstance(names, list):
        return None
    return frozenset(name for name in names if isinstance(name, str))


def disagree(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Attributes that both rules set, differently."""
    return [
        key
        for key in ATTRIBUTES
        if isinstance(one.get(key), bool) and isinstance(other.get(key), bool) and one[key] != other[key]
    ]


def shadowed_rules(feed: Feed) -> Iterator[Finding]:
    """ "When multiple rules in the same array apply to a particular vehicle type, then the earlier rule takes precedence"
    (Geofencing Rule Precedence): a later one that says otherwise for no other type never holds.
    """
    for label, path, rules in rule_lists(feed):
        for n, rule in enumerate(rules[:RULES]):
            for earlier in rules[:n]:
                if not isinstance(rule, dict) or not isinstance(earlier, dict):
                    continue
                first, later = types_of(earlier, feed), types_of(rule, feed)
                covered = first is None or (later is not None and later <= first)
                if covered and (keys := disagree(earlier, rule)):
                    what = _("前面的规则已覆盖同样的车型，这条规则的 %(keys)s 不会生效") % {"keys": ", ".join(keys)}
                    yield warning("rule-shadowed", label, f"{path}/{n}", what)
                    break


def impossible_rules(feed: Feed) -> Iterator[Finding]:
    """A ride that may start or end in a zone has to move in it: `ride_through_allowed` false beside them is at odds
    (Geofencing Rule Object).
    """
    for label, path, rules in rule_lists(feed):
        for n, rule in enumerate(map(mapping, rules)):
            begins = any(rule.get(key) is True for key in ("ride_allowed", "ride_start_allowed", "ride_end_allowed"))
            if begins and rule.get("ride_through_allowed") is False:
                yield warning("rule-impossible", label, f"{path}/{n}", _("允许起止骑行，却不许通过"))


def parking_without_stations(feed: Feed) -> Iterator[Finding]:
    """`station_parking`: "vehicles can only be parked at stations defined in station_information.json", of which there are none."""
    if len(feed.stations) or "station_information" in feed.lost:
        return
    for label, path, rules in rule_lists(feed):
        for n, rule in enumerate(map(mapping, rules)):
            if rule.get("station_parking") is True:
                what = _("只许停在站点，但本系统没有站点")
                yield warning("parking-without-stations", label, f"{path}/{n}/station_parking", what)


def uncovered_types(feed: Feed) -> Iterator[Finding]:
    """ "A rule or list of rules must be specified in the global rules list covering all vehicle types in the feed" (3.0)."""
    file = feed.files.get("geofencing_zones")
    if file is None or feed.major < 3 or feed.types.file is None:
        return
    covered: set[str] = set()
    for rule in map(mapping, listing(file.data.get("global_rules"))):
        names = types_of(rule, feed)
        if names is None:
            return
        covered |= names
    left = {name for name in feed.types.texts("vehicle_type_id") if name is not None} - covered
    if left:
        what = _("global_rules 没有覆盖这些车型：%(names)s") % {"names": ", ".join(sorted(left)[:10])}
        yield warning("types-uncovered", file.label, "/data/global_rules", what)


def backward_times(feed: Feed) -> Iterator[Finding]:
    """`start` and `end` of a zone, or of an alert's `times`: "Start time of the geofencing zone", "End time", in this order."""
    file = feed.files.get("geofencing_zones")
    for n, feature in enumerate(zone_features(feed)):
        own = mapping(mapping(feature).get("properties"))
        if file and moment(own.get("start")) >= moment(own.get("end")):
            yield warning("times-backward", file.label, f"{FEATURES}/{n}/properties", _("结束时间不晚于开始时间"))
    alerts = feed.table("system_alerts", "alerts")
    for row, alert in enumerate(alerts.rows):
        for n, span in enumerate(map(mapping, listing(alert.get("times")))):
            if moment(span.get("start")) >= moment(span.get("end")):
                yield warning("times-backward", alerts.label, alerts.path(row, "times", n), _("结束时间不晚于开始时间"))


class Zone(NamedTuple):
    """A zone with a valid shape: its place in the file, shape, rules, when it holds (POSIX seconds)."""

    n: int
    shape: shapely.Geometry
    rules: list[dict[str, Any]]
    start: float
    end: float


def zones(feed: Feed) -> list[Zone]:
    """The zones whose shape can be used."""
    found = []
    for n, feature in enumerate(map(mapping, zone_features(feed)[:ZONES])):
        own, shape = mapping(feature.get("properties")), multipolygon(feature.get("geometry"))
        if shape is not None:
            rules = [rule for rule in listing(own.get("rules"))[:RULES] if isinstance(rule, dict)]
            start, end = moment(own.get("start")), moment(own.get("end"))
            found.append(Zone(n, shape, rules, -np.inf if np.isnan(start) else start, np.inf if np.isnan(end) else end))
    return found


def conflicting_zones(feed: Feed) -> Iterator[Finding]:
    """ "When multiple overlapping polygons define rules that apply to a particular vehicle type, then the rules from the
    earlier polygon take precedence" (Geofencing Rule Precedence): legal, so a warning, and only where it surprises: the later
    zone lies wholly within the earlier and never holds, or the two merely cross. A later zone around the earlier is usual.
    """
    file, own = feed.files.get("geofencing_zones"), zones(feed)
    if file is None or len(own) < 2:
        return
    shapes = np.array([zone.shape for zone in own])
    left, right = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = np.column_stack([left, right])[left < right][:PAIRS]
    common = shapely.area(shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]]))
    areas = shapely.area(shapes)
    for (i, j), shared in zip(pairs, common, strict=True):
        earlier, later = own[i], own[j]
        around = shared >= (1 - SLIVER) * areas[i] and areas[j] > areas[i] * (1 + SLIVER)
        keys = conflict(earlier, later, feed)
        if shared < SLIVER * min(areas[i], areas[j]) or around or not keys:
            continue
        words = {"n": earlier.n, "keys": ", ".join(keys)}
        hidden = shared >= (1 - SLIVER) * areas[j]
        what = _("整个在前面的区域 %(n)d 之内，规则相反的 %(keys)s 不会生效") if hidden else None
        what = what or _("与前面的区域 %(n)d 重叠而规则相反（%(keys)s），重叠处以前者为准")
        yield warning("zone-conflict", file.label, f"{FEATURES}/{later.n}", what % words)


def conflict(earlier: Zone, later: Zone, feed: Feed) -> list[str]:
    """Attributes on which two zones disagree for some vehicle type, while both hold."""
    if max(earlier.start, later.start) >= min(earlier.end, later.end):
        return []
    keys: set[str] = set()
    for one in earlier.rules:
        for other in later.rules:
            a, b = types_of(one, feed), types_of(other, feed)
            if a is None or b is None or a & b:
                keys |= set(disagree(one, other))
    return sorted(keys)
