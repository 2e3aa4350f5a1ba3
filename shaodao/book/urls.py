"""The addresses of a book's pages: `urlpatterns = [*pages(ROOM, "book/"), …]`. Names begin with the room's."""

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from shaodao.book.kinds import Room
from shaodao.book.views import files, rows


def pages(room: Room, prefix: str) -> list[URLPattern]:
    """List, new, import, template, row, change, remove, restore of every kind of a room."""
    converter = type("KindName", (StringConverter,), {"regex": "|".join(room.by_name)})
    register_converter(converter, f"{room.name}_kind")
    kind, name, of = f"{prefix}<{room.name}_kind:kind>/", room.name, {"room": room}
    return [
        path(kind, rows.listing, of, name=f"{name}_list"),
        path(f"{kind}new/", rows.new, of, name=f"{name}_new"),
        path(f"{kind}import/", files.table, of, name=f"{name}_import"),
        path(f"{kind}template/", rows.template, of, name=f"{name}_template"),
        path(f"{kind}<int:pk>/", rows.one, of, name=f"{name}_row"),
        path(f"{kind}<int:pk>/change/", rows.change, of, name=f"{name}_change"),
        path(f"{kind}<int:pk>/remove/", rows.end, {**of, "action": "remove"}, name=f"{name}_remove"),
        path(f"{kind}<int:pk>/restore/", rows.end, {**of, "action": "restore"}, name=f"{name}_restore"),
    ]
