"""What was serviced: GNSS fixes against carriageways, to the metre, with three verdicts.

    network = Network.build(lines, oneway, offset, road)         # WGS-84 lines; carriageways, grid, work units
    answer = cover(network, Fixes.of(vehicle, t, lon, lat, speed, heading, working), Service(working_kmh=15))
    answer.passes, answer.serviced, answer.left

Steps, each a file: `cleaning` (order, jumps, standstill, the work signal), `matching` (a hidden Markov model, the way between
fixes, how sure), `passes` (unions over work units, verdicts), `network` with `reach` and `units` (made once). Intervals between
fixes are projected; points are never counted. Pure arithmetic: no Django, no database, no clock, no files but Numba's cache.
"""

from shaodao.kernel.coverage.chain import ALGORITHM, Coverage, Fixes, Service, cover
from shaodao.kernel.coverage.network import Network
from shaodao.kernel.coverage.passes import CANNOT_TELL, DONE, SHORT

__all__ = ["ALGORITHM", "CANNOT_TELL", "DONE", "SHORT", "Coverage", "Fixes", "Network", "Service", "cover"]
