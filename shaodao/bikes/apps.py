from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BikesConfig(AppConfig):
    name = "shaodao.bikes"
    label = "bikes"
    verbose_name = _("共享单车")

    def ready(self) -> None:
        from shaodao.bikes import history, notices, settings, spotchecks, tasks
        from shaodao.bikes.findings import tasks as findings
        from shaodao.bikes.ingest.sources import bulk
        from shaodao.cases import tasks as clock
        from shaodao.foundation import chain, district, jobs, uploads

        district.register_block("bikes", settings.BikeSettings)
        chain.register(history.BOOK)
        clock.register("expired", tasks.expire)
        clock.register("pulled", tasks.pull)
        clock.register("kept", tasks.move)
        clock.register("rejudged", tasks.follow)
        clock.register("seen", tasks.see)
        clock.register("findings", findings.observe)
        clock.register("reported", tasks.report)
        clock.register("flows", tasks.count_flows)
        jobs.register(bulk.KIND, bulk.PositionFiles())
        notices.register()
        uploads.register_viewer(spotchecks.viewer)
