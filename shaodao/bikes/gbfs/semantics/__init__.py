"""What a schema cannot see. Each check is one pure function of a feed; none knows of another.

A check takes whatever JSON comes: a value of the wrong type is the schema's finding and counts here as absent.
"""

from collections.abc import Callable, Iterator

from shaodao.bikes.gbfs.feed import Feed
from shaodao.bikes.gbfs.findings import Finding
from shaodao.bikes.gbfs.semantics import counts, identity, positions, references, rings, system, times, zones

CHECKS: tuple[Callable[[Feed], Iterator[Finding]], ...] = (
    *(system.missing_files, system.unknown_versions, system.mixed_versions, system.versions_order),
    *(system.repeated_lines, system.insecure_addresses, system.web_links, system.language_key, system.languages),
    *(times.wrong_unit, times.in_future, times.stale, times.long_ttl, times.reported_after_update),
    *(identity.duplicate_ids, identity.id_characters, identity.long_ids),
    *(references.unknown_stations, references.stations_without_status, references.unknown_types),
    *(references.unknown_plans, references.unknown_regions, references.missing_types, references.missing_range),
    *(references.missing_store, references.missing_reserve_time),
    *(counts.sum_of_types, counts.sum_of_docks, counts.sum_of_capacity, counts.capacity_exceeded),
    *(counts.vehicles_at_stations, counts.contradictory_state, counts.missing_docks),
    *(positions.null_island, positions.swapped, positions.far_away, positions.wrong_datum, positions.off_station),
    positions.coarse,
    *(rings.open_rings, rings.ring_positions, rings.ring_orientation, rings.crossing_rings, rings.point_outside_area),
    *(zones.shadowed_rules, zones.impossible_rules, zones.parking_without_stations, zones.uncovered_types),
    *(zones.backward_times, zones.conflicting_zones),
)
