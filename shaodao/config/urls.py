"""Every address of the program; each room names its own below its prefix."""

urlpatterns: list = []
