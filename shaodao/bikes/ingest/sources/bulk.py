"""Files of positions that are too long for a web request, as work for the clock (foundation/jobs.py)."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from django.utils.translation import gettext as _

from shaodao.bikes.ingest import plausible, receive
from shaodao.bikes.ingest.positions import Positions
from shaodao.bikes.ingest.sources import files
from shaodao.bikes.models import Operator
from shaodao.bikes.words import IN_FORCE, Source
from shaodao.foundation import clock, jobs, log
from shaodao.foundation.models import Job

KIND = "bikes.positions"
ROWS = 20_000
"""Of one transaction: others who write wait for about a second at most."""


class PositionFiles:
    """Rows go through the ingest like those of any door; `job.result` is `Filed.as_dict()` of what was taken in so far."""

    def parts(self, job: Job) -> Iterator[jobs.Part]:
        operator = Operator.objects.select_related("organisation").get(organisation__code=job.subject.partition(":")[2])
        if operator.state not in IN_FORCE:
            raise jobs.Unfit(_("企业已不在准入状态，其余的行没有收"))
        file = files.PositionFile(Path(job.file.path), job.options["columns"], job.total, job.options["parquet"])
        for positions in file.positions(job.options["datum"], job.done, ROWS):
            yield jobs.Part(len(positions), partial(self._take, operator, positions))

    def _take(self, operator: Operator, positions: Positions, job: Job) -> None:
        found = files.Filed.of(job.result)
        if not job.done:
            found.looks = plausible.datum_of(positions.lon, positions.lat, positions.datum)
        first_line = None if job.options["parquet"] else 2
        found.add(receive.ingest(operator, positions, Source.FILE, clock.now()), first_line)
        job.result = found.as_dict()

    def ended(self, job: Job) -> None:
        counts = files.Filed.of(job.result).counts
        data = {"sha256": job.sha256, "datum": job.options["datum"], "state": job.state, "rows": job.total}
        data |= {name: counts[name] for name in ("received", "kept", "rejected")}
        log.write("positions.file", job.subject, actor=job.created_by, data=data)
