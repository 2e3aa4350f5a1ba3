// <div data-map>: see docs/frontend.md. Sets data-ready when everything is drawn.
import type { Map as MapLibre } from "maplibre-gl";

import { jsonFrom, onTheme } from "../dom";
import { fontsFor } from "../fonts";
import { t } from "../strings";
import type { Basemap } from "./basemap";
import { boundsOf } from "./bounds";
import { createMap } from "./engine";
import { CELL_ZOOM, type Collection, addLayers, setCells, setData } from "./layers";
import { drawLegend } from "./legend";
import { addPopups } from "./popup";

export async function show(el: HTMLElement): Promise<void> {
  const data = await load(el);
  let map = await draw(el, data);
  onTheme(() => {
    const { lng, lat } = map.getCenter();
    delete el.dataset.ready;
    Object.assign(el.dataset, { center: `${lng},${lat}`, zoom: String(map.getZoom()), fit: "false" });
    map.remove();
    void draw(el, data).then((fresh) => (map = fresh));
  });
  const seconds = Number(el.dataset.refresh ?? 0);
  const refresh = async () => {
    if (document.hidden) return;
    const fresh = await load(el);
    Object.assign(data, fresh);
    setData(map, fresh);
    drawLegend(el, fresh);
  };
  el.addEventListener("shaodao:refresh", () => void refresh());
  if (seconds > 0 && el.dataset.source) setInterval(() => void refresh().catch(console.warn), seconds * 1000);
}

/** The district's own basemap is in the page (base.html) unless the element names another. */
export function basemapOf(el: HTMLElement): Basemap | undefined {
  return jsonFrom<Basemap>(el.dataset.basemap ?? "#district-basemap");
}

export async function load(el: HTMLElement): Promise<Collection> {
  const inline = jsonFrom<Collection>(el.dataset.json) ?? { type: "FeatureCollection", features: [] };
  const parts = await Promise.all((el.dataset.source ?? "").split(/\s+/).filter(Boolean).map(getJson));
  return { type: "FeatureCollection", features: [inline, ...parts].flatMap((part) => part.features) };
}

/** Every letter that the map may draw. */
export function labelsOf(data: Collection): string {
  return t("map_red") + data.features.map((feature) => String(feature.properties?.label ?? "")).join("");
}

async function getJson(url: string): Promise<Collection> {
  const answer = await fetch(url, { headers: { Accept: "application/geo+json, application/json" } });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  return (await answer.json()) as Collection;
}

async function draw(el: HTMLElement, data: Collection): Promise<MapLibre> {
  await fontsFor(labelsOf(data));
  const map = await createMap(el, basemapOf(el));
  addLayers(map, el.dataset.cluster !== "false");
  setData(map, data);
  const bounds = boundsOf(data);
  if (bounds && el.dataset.fit !== "false") map.fitBounds(bounds, { padding: 32, maxZoom: 15.5, animate: false });
  addPopups(map);
  drawLegend(el, data);
  if (el.dataset.cells) cellsOnDemand(map, el.dataset.cells);
  await new Promise<void>((resolve) => map.once("idle", () => resolve()));
  el.dataset.ready = "1";
  return map;
}

/** Unit cells are many: ask only for those in view, and only from street level on. */
function cellsOnDemand(map: MapLibre, template: string): void {
  let asked = "";
  const ask = async () => {
    if (map.getZoom() < CELL_ZOOM) return;
    const url = template.replace("{bbox}", map.getBounds().toArray().flat().map((x) => x.toFixed(5)).join(","));
    if (url === asked) return;
    asked = url;
    const cells = await getJson(url);
    if (url === asked) setCells(map, cells);
  };
  const quietly = () => void ask().catch(console.warn);
  map.on("moveend", quietly);
  quietly();
}
