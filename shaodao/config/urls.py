"""Every address of the program; each room names its own in its `urls.py`."""

from django.contrib.auth import views as auth
from django.urls import include, path

from shaodao.config.api import api
from shaodao.config.views import Welcome, sign_in

urlpatterns = [
    path("", include("shaodao.portal.urls")),
    path("work/", include("shaodao.cases.urls")),
    path("", include("shaodao.bikes.publish.urls")),
    path("bikes/", include("shaodao.bikes.urls")),
    path("sanitation/", include("shaodao.sanitation.urls")),
    path("command/", include("shaodao.command.urls")),
    path("media/", include("shaodao.foundation.urls")),
    path("map/", include("shaodao.places.urls")),
    path("api/v1/", api.urls),
    path("mds/v2/", include("shaodao.bikes.mds_urls")),
    path("open311/v2/", include("shaodao.cases.open311_urls")),
    path("login/", sign_in, name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("welcome/<uidb64>/<token>/", Welcome.as_view(), name="welcome"),
    path("", include("shaodao.organisations.account.urls")),
    path("language/", include("django.conf.urls.i18n")),
]
