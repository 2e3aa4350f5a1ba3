"""Template tags of every page: built assets, icons, lights, times, form fields, paging. See docs/frontend.md."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.forms import BoundField, CheckboxInput, RadioSelect, Select
from django.http import QueryDict
from django.templatetags.static import PrefixNode
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from shaodao.foundation import assets, clock
from shaodao.foundation.models import Job
from shaodao.foundation.naming import named
from shaodao.foundation.ui_strings import ui_strings as _ui_strings

register = template.Library()

register.filter("named", named)  # {{ row|named }}: a name in the language of the page

LIGHT_ICONS = {
    "green": "circle-check",
    "yellow": "alert-triangle",
    "red": "alert-octagon",
    "paused": "player-pause",
    "done": "checks",
}
MINUTE, HOUR, DAY, WEEK = 60, 3600, 86_400, 604_800


# Built files


def _build_url(file: str) -> str:
    # Not through the staticfiles storage: the names carry Vite's hash, and chunks import each other by these names.
    return f"{PrefixNode.handle_simple('STATIC_URL')}build/{file}"


@register.simple_tag
def asset(name: str) -> SafeString:
    """Link and script tags of the entry `frontend/src/<name>.ts`."""
    manifest = assets.listed("manifest.json")
    if manifest is None:
        return format_html(
            '<p role="alert">{}</p>', _("界面资源尚未构建：请运行 make setup，或 python tools/assets.py build。")
        )
    key = f"src/{name}.ts"
    if key not in manifest:
        raise template.TemplateSyntaxError(f'{{% asset "{name}" %}}: no entry {key} in the build')
    chunk = manifest[key]
    parts = [manifest[imported] for imported in chunk.get("imports", [])]
    styles = [file for part in [*parts, chunk] for file in part.get("css", [])]
    return mark_safe(  # noqa: S308 - every piece went through format_html
        format_html_join("", '<link rel="stylesheet" href="{}">', ((_build_url(file),) for file in styles))
        + format_html_join("", '<link rel="modulepreload" href="{}">', ((_build_url(p["file"]),) for p in parts))
        + format_html('<script type="module" src="{}"></script>', _build_url(chunk["file"]))
    )


@register.simple_tag
def icon_sprite() -> str:
    """Address of the icon sprite, empty if nothing has been built."""
    icons = assets.listed("icons.json")
    return _build_url(icons["file"]) if icons else ""


@register.simple_tag
def icon(name: str, label: str = "", size: str = "") -> SafeString:
    """An icon of the sprite (`frontend/icons.txt`); decorative unless it has a `label`; `size` is sm or lg."""
    icons = assets.listed("icons.json")
    if icons and name not in icons["names"]:
        if settings.DEBUG:
            raise template.TemplateSyntaxError(f'{{% icon "{name}" %}}: not in frontend/icons.txt')
        name = "point"
    return _icon(_build_url(icons["file"]) if icons else "", name, label, size)


@lru_cache(maxsize=1024)
def _icon(sprite: str, name: str, label: str, size: str) -> SafeString:
    return format_html(
        '<svg class="{}" width="20" height="20" {}><use href="{}#{}"></use></svg>',
        f"icon icon-{size}" if size else "icon",
        format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"'),
        sprite,
        name,
    )


@register.simple_tag
def ui_strings() -> SafeString:
    """The words that the scripts show, as a JSON block."""
    return _ui_strings_json(get_language())


@lru_cache(maxsize=8)
def _ui_strings_json(_language: str | None) -> SafeString:
    return json_script(_ui_strings(), "ui-strings")


# Lights and times


@register.simple_tag
def light(light: str | None, text: str = "") -> SafeString:
    """A light as a badge: colour, shape and words. Nothing for None."""
    if not light:
        return SafeString("")
    key = str(light)
    if key not in LIGHT_ICONS:
        raise template.TemplateSyntaxError(f"{{% light %}}: {key!r} is none of {', '.join(LIGHT_ICONS)}")
    return _light(key, text or _ui_strings()[f"light_{key}"], icon_sprite())


@lru_cache(maxsize=256)
def _light(key: str, words: str, _sprite: str) -> SafeString:
    return format_html('<span class="light light-{}">{}{}</span>', key, icon(LIGHT_ICONS[key]), words)


def _duration(seconds: float) -> str:
    """The two largest units of a length of time, minutes at least: "2 天 3 小时". Sign ignored."""
    words = _ui_strings()
    whole = int(abs(seconds)) // MINUTE
    days, hours, minutes = whole // 1440, whole // 60 % 24, whole % 60
    parts = [words["days"].format(n=days)] if days else []
    if hours:
        parts.append(words["hours"].format(n=hours))
    if minutes and not days:
        parts.append(words["minutes"].format(n=minutes))
    return " ".join(parts[:2]) or words["minutes"].format(n=0)


@register.filter(name="duration")
def duration_filter(seconds: float | None) -> str:
    """Seconds as text; negative ones say "超 …"; nothing for None."""
    if seconds is None:
        return ""
    return _ui_strings()["over"].format(time=_duration(seconds)) if seconds < 0 else _duration(seconds)


@register.simple_tag
def duration(seconds: float | None) -> str:
    """The same as the filter."""
    return duration_filter(seconds)


def _absolute(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


@register.simple_tag
def countdown(deadline: datetime | None, light: str | None = None) -> SafeString:
    """Time left until, or passed since, an aware `deadline`; a stopped or paused clock shows no time."""
    if deadline is None or str(light) in {"paused", "done"}:
        return SafeString("")
    seconds = (deadline - clock.now()).total_seconds()
    key = ("over" if seconds < 0 else "left") + ("_moment" if abs(seconds) < MINUTE else "")
    words = _ui_strings()[key].format(time=_duration(seconds))
    return format_html(
        '<time datetime="{}" data-countdown title="{}"{}>{}</time>',
        deadline.isoformat(),
        _("截止 %(at)s") % {"at": _absolute(deadline)},
        mark_safe(' class="is-over"') if seconds < 0 else "",
        words,
    )


@register.simple_tag
def ago(at: datetime | None) -> SafeString:
    """How long ago an aware datetime was; after a week the date."""
    if at is None:
        return SafeString("")
    words = _ui_strings()
    seconds = (clock.now() - at).total_seconds()
    if seconds >= WEEK or seconds < -MINUTE:
        text = date_format(timezone.localtime(at), "DATE_FORMAT")
        return format_html('<time datetime="{}" title="{}">{}</time>', at.isoformat(), _absolute(at), text)
    text = words["just_now"] if seconds < MINUTE else words["ago"].format(time=_duration(seconds))
    return format_html('<time datetime="{}" data-relative title="{}">{}</time>', at.isoformat(), _absolute(at), text)


# Forms


@register.filter
def percent(share: float | None) -> str:
    """A share as 61.3%; a dash where there is none. Never rounded up to all, nor down to none."""
    if share is None:
        return "—"
    rounded = round(share * 100, 1)
    if rounded == 100 and share < 1:
        rounded = 99.9
    return f"{0.1 if rounded == 0 and share > 0 else rounded:.1f}%"


@register.inclusion_tag("shaodao/field.html")
def field(
    field: BoundField,
    label: str = "",
    help: str = "",
    optional: bool = True,
    needed: bool | None = None,
    **attributes: Any,
) -> dict[str, Any]:
    """A form field with label, help and errors beside it, tied together for screen readers.

    `needed=True` writes "必填" beside the label: for one of several fields of which some must be filled.

    `class` adds to the wrapper; `optional=False` leaves out the word "选填" (filters); every other keyword
    becomes an attribute of the widget, `_` read as `-` (`data_draft` is `data-draft`).
    """
    # Not `if not field`: a BoundField's truth is its number of subwidgets.
    if not isinstance(field, BoundField):
        raise template.TemplateSyntaxError("{% field %}: the form has no such field")
    wrapper = attributes.pop("class", "")
    help_text = help or field.help_text
    described = [f"{field.auto_id}_help"] if help_text else []
    described += [f"{field.auto_id}_error"] if field.errors else []
    widget = field.field.widget
    group = isinstance(widget, RadioSelect)  # and its child CheckboxSelectMultiple
    attrs = {name.replace("_", "-"): value for name, value in attributes.items() if value is not False}
    attrs = {name: value for name, value in attrs.items() if value not in ("", None)}
    if described and not group:
        attrs["aria-describedby"] = " ".join(described)
    if field.errors and not group:
        attrs["aria-invalid"] = "true"
    attrs["class"] = f"{widget.attrs.get('class', '')} {_widget_class(widget, group)}".strip()
    return {
        "field": field,
        "label": label or field.label,
        "help": help_text,
        "needed": needed,
        "show_optional": optional and not field.field.required and not isinstance(widget, CheckboxInput),
        "wrapper": wrapper,
        "group": group,
        "described": " ".join(described),
        "checkbox": isinstance(widget, CheckboxInput),
        "widget": "" if group else field.as_widget(attrs=attrs),
        "options": field.subwidgets if group else [],
    }


def _widget_class(widget: Any, group: bool) -> str:
    if isinstance(widget, CheckboxInput) or group:
        return "form-check-input"
    if isinstance(widget, Select):
        return "form-select"
    return "form-control"


# Lists


def _request_query(context: Mapping[str, Any]) -> QueryDict:
    request = context.get("request")
    return request.GET.copy() if request is not None else QueryDict(mutable=True)


def _with(query: QueryDict, changes: Mapping[str, Any]) -> str:
    for key, value in changes.items():
        if value is None or value == "":
            query.pop(key, None)
        elif isinstance(value, (list, tuple)):
            query.setlist(key, [str(item) for item in value])
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"


@register.simple_tag(takes_context=True)
def query_string(context: Mapping[str, Any], **changes: Any) -> str:
    """This page's query string with `changes`; None removes a key."""
    return _with(_request_query(context), changes)


@register.inclusion_tag("shaodao/pager.html", takes_context=True)
def pager(context: Mapping[str, Any], page: Page, param: str = "page") -> dict[str, Any]:
    """Page links that keep the rest of the query string."""
    links = [
        {
            "number": number,
            "url": _with(_request_query(context), {param: number}) if isinstance(number, int) else "",
            "current": number == page.number,
        }
        for number in page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1)
    ]
    return {
        "page": page,
        "links": links,
        "previous": _with(_request_query(context), {param: page.number - 1}) if page.has_previous() else "",
        "next": _with(_request_query(context), {param: page.number + 1}) if page.has_next() else "",
    }


@register.simple_tag(takes_context=True)
def sort_header(context: Mapping[str, Any], key: str, label: str, param: str = "sort") -> SafeString:
    """A table heading that sorts by `key`: first ascending, then descending (`-key`)."""
    query = _request_query(context)
    current = query.get(param, "")
    state, arrow, target = "none", "arrows-sort", key
    if current == key:
        state, arrow, target = "ascending", "sort-ascending", f"-{key}"
    elif current == f"-{key}":
        state, arrow = "descending", "sort-descending"
    query.pop("page", None)
    return format_html(
        '<th scope="col" aria-sort="{}"><a href="{}">{} {}</a></th>',
        state,
        _with(query, {param: target}),
        label,
        icon(arrow, size="sm"),
    )


JOBS = {"waiting": "paused", "running": "yellow", "done": "green", "failed": "red", "cancelled": "done"}


@register.simple_tag
def job_state(job: Job) -> SafeString:
    """How far a file is: colour, shape and words."""
    return light(JOBS[job.state], str(job.get_state_display()))
