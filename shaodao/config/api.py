"""The JSON API: one OpenAPI description, put together from the rooms' routers."""

from shaodao.cases.api import api

__all__ = ["api"]
