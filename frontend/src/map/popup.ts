// Popups: title, light in words, a line of text, a link. Built from nodes, never from strings of HTML.
import { type LngLatLike, type Map as MapLibre, type MapGeoJSONFeature, type MapLayerMouseEvent, Popup } from "maplibre-gl";

import { h } from "../dom";
import type { GeoJSONSource } from "maplibre-gl";
import { LIGHTS, type Light } from "../palette";
import { t } from "../strings";
import { shapeCanvas } from "./shapes";

export function addPopups(map: MapLibre): void {
  map.on("click", "point", (event) => show(map, event));
  map.on("click", "cluster", (event) => void zoomIn(map, event));
  map.on("click", "street-fill", (event) => {
    // A case above the area wins; an area without a link has nothing to say.
    const above = map.queryRenderedFeatures(event.point, { layers: ["point", "cluster"] });
    if (!above.length && event.features?.[0]?.properties.url) show(map, event);
  });
  map.on("click", "line", (event) => {
    const above = map.queryRenderedFeatures(event.point, { layers: ["point", "cluster"] });
    if (!above.length && event.features?.[0]?.properties.text) show(map, event);
  });
  for (const layer of ["point", "cluster", "line"]) {
    map.on("mouseenter", layer, () => map.getCanvas().classList.add("map-clickable"));
    map.on("mouseleave", layer, () => map.getCanvas().classList.remove("map-clickable"));
  }
}

function show(map: MapLibre, event: MapLayerMouseEvent): void {
  const feature = event.features?.[0];
  if (!feature) return;
  const at: LngLatLike = feature.geometry.type === "Point" ? (feature.geometry.coordinates as [number, number]) : event.lngLat;
  new Popup({ maxWidth: "280px", offset: 12 }).setLngLat(at).setDOMContent(content(feature)).addTo(map);
}

function content({ properties: p }: MapGeoJSONFeature): HTMLElement {
  const box = h("div", { class: "map-popup" });
  if (typeof p.photo === "string" && p.photo) box.append(h("img", { src: p.photo, alt: "", loading: "lazy" }));
  const title = String(p.title ?? p.label ?? p.number ?? "");
  box.append(p.url ? h("a", { href: String(p.url), class: "map-popup-title" }, title) : h("strong", {}, title));
  if (p.number && p.title) box.append(h("div", { class: "text-secondary text-number" }, String(p.number)));
  if (LIGHTS.includes(p.light as Light)) {
    const words = h("div", { class: "map-popup-light" });
    words.append(shapeCanvas(p.light as Light, 1), [p.light_words || t(`light_${p.light}`), p.state].filter(Boolean).join(" · "));
    box.append(words);
  }
  if (p.text) box.append(h("p", {}, String(p.text)));
  return box;
}

async function zoomIn(map: MapLibre, event: MapLayerMouseEvent): Promise<void> {
  const feature = event.features?.[0];
  if (feature?.geometry.type !== "Point") return;
  const zoom = await map.getSource<GeoJSONSource>("points")?.getClusterExpansionZoom(Number(feature.properties.cluster_id));
  map.easeTo({ center: feature.geometry.coordinates as [number, number], zoom: zoom ?? map.getZoom() + 2 });
}
