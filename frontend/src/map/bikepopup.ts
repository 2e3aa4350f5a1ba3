// What a click (or Enter, for what is nearest to the middle) shows of a bike, a bay, a cluster.
import { type GeoJSONSource, type LngLatLike, type Map as MapLibre, type MapGeoJSONFeature, Popup } from "maplibre-gl";

import { announce, h } from "../dom";
import type { Words } from "./bikes";

const LAYERS = ["bike-point", "bike-cluster", "bay-fill", "zone-fill"]; // what lies above wins
const REACH = 60; // pixels around the middle

interface Details {
  title: string;
  illustrative: boolean;
  lines: { label: string; text: string }[];
  url: string;
}

export function onBikeClicks(map: MapLibre, el: HTMLElement, words: Words): void {
  map.on("click", ({ point, lngLat }) => {
    const found = map.queryRenderedFeatures(point, { layers: LAYERS });
    const feature = LAYERS.map((layer) => found.find((one) => one.layer.id === layer)).find(Boolean);
    if (feature) void open(map, el, words, feature, lngLat);
  });
  for (const layer of LAYERS) {
    map.on("mouseenter", layer, () => map.getCanvas().classList.add("map-clickable"));
    map.on("mouseleave", layer, () => map.getCanvas().classList.remove("map-clickable"));
  }
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const feature = nearest(map);
    if (feature) void open(map, el, words, feature, map.getCenter());
    else announce(String(words.nothing));
  });
}

/** The bike or cluster nearest to the middle of the map. */
function nearest(map: MapLibre): MapGeoJSONFeature | undefined {
  const { x, y } = map.project(map.getCenter());
  const box: [[number, number], [number, number]] = [[x - REACH, y - REACH], [x + REACH, y + REACH]];
  const far = (feature: MapGeoJSONFeature) => {
    const at = map.project((feature.geometry as GeoJSON.Point).coordinates as [number, number]);
    return Math.hypot(at.x - x, at.y - y);
  };
  return map.queryRenderedFeatures(box, { layers: LAYERS.slice(0, 2) }).sort((one, other) => far(one) - far(other))[0];
}

async function open(map: MapLibre, el: HTMLElement, words: Words, feature: MapGeoJSONFeature, clicked: LngLatLike): Promise<void> {
  const { geometry, properties: p, layer } = feature;
  const at = geometry.type === "Point" ? (geometry.coordinates as [number, number]) : clicked;
  if (layer.id === "bike-cluster") {
    const zoom = await map.getSource<GeoJSONSource>("bikes")?.getClusterExpansionZoom(Number(p.cluster_id));
    map.easeTo({ center: at, zoom: zoom ?? map.getZoom() + 2 });
    return;
  }
  const popup = new Popup({ maxWidth: "300px", offset: 10 }).setLngLat(at);
  if (layer.id === "bike-point") {
    const url = (el.dataset.vehicle ?? "").replace("/0/", `/${String(p.id)}/`);
    const answer = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => undefined);
    popup.setDOMContent(answer?.ok ? ofVehicle((await answer.json()) as Details, words) : h("p", {}, String(words.failed)));
  } else {
    popup.setDOMContent(layer.id === "bay-fill" ? ofBay(p, words) : h("div", { class: "map-popup" }, h("strong", {}, String(p.name || p.code)), h("div", {}, String(p.label))));
  }
  popup.addTo(map);
}

function ofVehicle({ title, illustrative, lines, url }: Details, words: Words): HTMLElement {
  const facts = h("dl", { class: "map-facts" }, ...lines.flatMap(({ label, text }) => [h("dt", {}, label), h("dd", {}, text)]));
  const name = h("a", { href: url, class: "map-popup-title" }, title);
  return h("div", { class: "map-popup" }, name, ...(illustrative ? [h("span", { class: "illustrative" }, String(words.sample))] : []), facts);
}

function ofBay(p: Record<string, unknown>, words: Words): HTMLElement {
  const parked = String(words.parked).replace("{n}", String(p.n)).replace("{capacity}", String(p.capacity));
  return h(
    "div",
    { class: "map-popup" },
    h("strong", { class: "map-popup-title" }, [p.code, p.name].filter(Boolean).join(" ")),
    ...(p.illustrative ? [h("span", { class: "illustrative" }, String(words.sample))] : []),
    h("div", { class: "text-number" }, `${parked} · ${words.fills[String(p.state)]?.label ?? ""}`),
    h("a", { href: `${words.list}?class=here&bay=${encodeURIComponent(String(p.code))}` }, String(words.vehicles)),
  );
}
