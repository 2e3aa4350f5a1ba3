"""Which bay does each bike stand in: n positions against m bays, in one pass on one core.

    index = BayIndex.build(bays, tolerance=10.0)      # Shapely polygons or rings in WGS-84, metres
    answer = index.assign(lon, lat)                   # answer.bay, .distance, .parked, .counts

A position belongs to the nearest of the bays that it is in or within tolerance of; distances are to the polygon itself, in
metres on the ground (not stretched by a map zone's scale), 0 inside or on the boundary; of equally near bays the first one
wins, so of overlapping zones the first one, too. Positions nobody can place are answered as such and never raised.

With ``accuracy`` (metres within which the true position lies) an answer that such an error could change is *uncertain*:
``margin`` says how far the position may move before it might. Near two bays that is half the difference of their distances,
near the rim of the tolerance what is left of it; a move of less than the margin provably changes nothing.

With ``sigma`` (metres, the error's standard deviation along each axis) each answer has a ``confidence``: the probability that
it is that of the place where the bike truly stands. `Assignment.confidence` has the formula.

No-parking zones are the same with tolerance 0. Zones of many edges cost a position no more than small ones.

How: a polynomial for the map projection (`plane`), a grid with each cell's candidates (`cells`), compiled loops that handle
a thousand positions at a time (`loops`). Pure arithmetic: no Django, no database, no clock, no files but Numba's cache.
"""

from shaodao.kernel.parking.index import MOST_TOLERANCE, SIGMA_95, WORST_ACCURACY, Assignment, BayIndex, Parked
from shaodao.kernel.parking.outlines import faults

__all__ = ["MOST_TOLERANCE", "SIGMA_95", "WORST_ACCURACY", "Assignment", "BayIndex", "Parked", "faults"]
