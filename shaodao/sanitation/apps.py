from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SanitationConfig(AppConfig):
    name = "shaodao.sanitation"
    label = "sanitation"
    verbose_name = _("环境卫生")

    def ready(self) -> None:
        from shaodao.book import history
        from shaodao.cases import tasks as clock
        from shaodao.foundation import chain, district, jobs, uploads
        from shaodao.sanitation import settings
        from shaodao.sanitation.bins import photos
        from shaodao.sanitation.inspections import queries as inspections
        from shaodao.sanitation.plan import background as planning
        from shaodao.sanitation.proof import findings
        from shaodao.sanitation.proof import tasks as proof
        from shaodao.sanitation.roads import background
        from shaodao.sanitation.room import ROOM
        from shaodao.sanitation.tracks import files, keep
        from shaodao.sanitation.weather import fetching

        district.register_block("sanitation", settings.SanitationSettings)
        chain.register(history.chains(ROOM))
        clock.register("weather", fetching.follow)
        jobs.register(background.KIND, background.RoadFiles())
        jobs.register(planning.KIND, planning.Plans())
        uploads.register_viewer(photos.viewer)
        uploads.register_viewer(inspections.viewer)
        jobs.register(files.KIND, files.TrackFiles())
        clock.register("tracks", keep.work)
        keep.hold(findings.standing_on)
        clock.register("proven", proof.prove)
        clock.register("service_findings", proof.settle)
