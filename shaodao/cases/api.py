"""The loop's JSON API."""

from ninja import NinjaAPI

api = NinjaAPI(title="Shaodao", version="1.0.0", urls_namespace="api")
