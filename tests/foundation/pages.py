"""Pages for test_browser.py: each component once, without a database."""

from django import forms
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import RequestContext, Template
from django.urls import path

SQUARE = [[113.2, 40.0], [113.4, 40.0], [113.4, 40.15], [113.2, 40.15], [113.2, 40.0]]
GEOJSON = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [SQUARE]},
            "properties": {"layer": "district", "label": "平城区", "illustrative": True},
        },
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [113.3, 40.075]},
            "properties": {"layer": "case", "light": "red", "title": "井盖<b>破损</b>", "url": "/inbox"},
        },
    ],
}
CHART = {
    "xAxis": {"type": "category", "data": ["古城", "永泰"]},
    "series": [
        {"name": "案件", "type": "bar", "itemStyle": {"color": "red"}, "data": [{"value": 3, "url": "/inbox"}, 1]}
    ],
}
HEAD = '{% extends "shaodao/public.html" %}{% load shaodao %}{% block heading %}x{% endblock %}{% block content %}'
INBOX = """<form method="post" data-bulk>{% csrf_token %}<input data-search type="search">
<input type="checkbox" data-bulk-all><span data-bulk-count></span>
<table data-rows><tbody>{% for n in rows %}<tr data-href="/board?n={{ n }}"><td>
<input type="checkbox" name="case" value="{{ n }}" data-bulk-item></td><td>{{ n }}</td></tr>{% endfor %}</tbody></table>
<button id="go" name="act" value="dispatch" data-bulk-action data-confirm="sure?">go</button></form>{{ posted }}"""
BOARD = """{{ chart|json_script:"c" }}<div class="map" data-map data-source="/data"></div>
<div class="chart" data-chart data-options="#c"></div>"""
REPORT = """<form method="post" data-draft="t">{% csrf_token %}{% field form.text %}{% field form.lon %}{% field form.lat %}
{% field form.phone data_private="1" %}<input type="file" id="photos" multiple data-photos data-max="2">
<div class="map" data-map-pick data-lon-input="#id_lon" data-lat-input="#id_lat" data-source="/data"></div></form>"""


class Form(forms.Form):
    text = forms.CharField()
    lon = forms.FloatField(required=False)
    lat = forms.FloatField(required=False)
    phone = forms.CharField(required=False)


def page(body: str):
    def view(request: HttpRequest) -> HttpResponse:
        posted = " ".join([request.POST.get("act", ""), *request.POST.getlist("case")])
        context = {"rows": range(3), "posted": f"posted:{posted}", "chart": CHART, "form": Form()}
        return HttpResponse(Template(HEAD + body + "{% endblock %}").render(RequestContext(request, context)))

    return view


urlpatterns = [
    path("inbox", page(INBOX)),
    path("board", page(BOARD)),
    path("report", page(REPORT)),
    path("data", lambda request: JsonResponse(GEOJSON)),
]
