// What is drawn: areas below, cases above, clusters that say how many of them are overdue.
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibre } from "maplibre-gl";

import { FONT } from "../fonts";
import { LIGHTS, palette } from "../palette";
import { t } from "../strings";
import { shapeImage } from "./shapes";

export type Collection = GeoJSON.FeatureCollection<GeoJSON.Geometry | null, Record<string, unknown>>;
const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const AREAS = ["district", "street", "community", "cell"];
export const CELL_ZOOM = 14;

const is = (layer: string): ExpressionSpecification => ["==", ["get", "layer"], layer];
const fontStack = [FONT];

/** Add sources and layers once; `setData` fills them. */
export function addLayers(map: MapLibre, cluster: boolean): void {
  const { line, primary, muted, surface, text, lights } = palette();
  const scale = Math.max(2, Math.ceil(devicePixelRatio));
  for (const light of LIGHTS) map.addImage(`light-${light}`, shapeImage(light, scale), { pixelRatio: scale });

  map.addSource("areas", { type: "geojson", data: EMPTY });
  map.addSource("cells", { type: "geojson", data: EMPTY });
  const counted = (light: string): ExpressionSpecification => ["+", ["case", ["==", ["get", "light"], light], 1, 0]];
  map.addSource("points", {
    type: "geojson",
    data: EMPTY,
    cluster,
    clusterRadius: 44,
    clusterMaxZoom: 15,
    clusterProperties: { red: counted("red"), yellow: counted("yellow") },
  });

  map.addLayer({ id: "district-fill", type: "fill", source: "areas", filter: is("district"), paint: { "fill-color": surface, "fill-opacity": 0.55 } });
  map.addLayer({ id: "street-fill", type: "fill", source: "areas", filter: ["in", ["get", "layer"], ["literal", ["street", "community"]]], paint: { "fill-color": primary, "fill-opacity": ["case", ["boolean", ["get", "active"], false], 0.18, 0.04] } });
  map.addLayer({ id: "cell-line", type: "line", source: "cells", minzoom: CELL_ZOOM, paint: { "line-color": muted, "line-width": 0.6, "line-opacity": 0.55, "line-dasharray": [3, 2] } });
  map.addLayer({ id: "cell-label", type: "symbol", source: "cells", minzoom: 16, layout: { "text-field": ["get", "label"], "text-size": 10, "text-font": fontStack }, paint: { "text-color": muted, "text-halo-color": surface, "text-halo-width": 1 } });
  map.addLayer({ id: "community-line", type: "line", source: "areas", filter: is("community"), minzoom: 12, paint: { "line-color": muted, "line-width": 0.7, "line-opacity": 0.6 } });
  map.addLayer({ id: "street-line", type: "line", source: "areas", filter: is("street"), paint: { "line-color": primary, "line-width": 1.1, "line-opacity": 0.6 } });
  map.addLayer({ id: "district-line", type: "line", source: "areas", filter: is("district"), paint: { "line-color": primary, "line-width": 2.4 } });
  map.addLayer({ id: "line", type: "line", source: "areas", filter: ["all", ["==", ["geometry-type"], "LineString"], ["!=", ["get", "layer"], "way"]], paint: { "line-color": ["case", is("road"), primary, line], "line-width": ["coalesce", ["get", "width"], 3] } });
  addWays(map, lights, muted);
  map.addLayer({
    id: "street-label", // names give way to each other: on a small map some wait until one comes closer
    type: "symbol",
    source: "areas",
    filter: is("street"),
    layout: { "text-field": ["get", "label"], "text-size": 12.5, "text-font": fontStack, "text-variable-anchor": ["center", "top", "bottom"], "text-padding": 3 },
    paint: { "text-color": text, "text-halo-color": surface, "text-halo-width": 1.6, "text-opacity": 0.85 },
  });
  addPoints(map, lights, surface);
}

/** Segments of roads by their `tone`; what is missing is dashed, too, and tracks of vehicles are thin and dotted. */
function addWays(map: MapLibre, lights: Record<string, string>, muted: string): void {
  const role = (name: string): ExpressionSpecification => ["all", is("way"), ["==", ["get", "role"], name]];
  const colour: ExpressionSpecification = ["match", ["get", "tone"], "green", lights.green ?? "", "yellow", lights.yellow ?? "", "red", lights.red ?? "", "paused", lights.paused ?? "", lights.done ?? ""];
  map.addLayer({ id: "way", type: "line", source: "areas", filter: role(""), layout: { "line-cap": "round" }, paint: { "line-color": colour, "line-width": 6, "line-opacity": 0.75 } });
  map.addLayer({ id: "way-gap", type: "line", source: "areas", filter: role("gap"), paint: { "line-color": colour, "line-width": 7, "line-dasharray": [0.8, 0.5] } });
  map.addLayer({ id: "way-track", type: "line", source: "areas", filter: role("track"), paint: { "line-color": muted, "line-width": 1.6, "line-dasharray": [1, 1.5] } });
  map.addLayer({ id: "way-label", type: "symbol", source: "areas", filter: is("way"), minzoom: 14, layout: { "symbol-placement": "line", "text-field": ["get", "label"], "text-size": 11, "text-font": fontStack }, paint: { "text-color": palette().text, "text-halo-color": palette().surface, "text-halo-width": 1.5 } });
}

function addPoints(map: MapLibre, lights: Record<string, string>, surface: string): void {
  map.addLayer({
    id: "cluster",
    type: "circle",
    source: "points",
    filter: ["has", "point_count"],
    paint: {
      "circle-color": surface,
      "circle-radius": ["max", ["case", [">", ["get", "red"], 0], 23, 0], ["step", ["get", "point_count"], 16, 10, 20, 50, 26, 200, 31]],
      "circle-stroke-width": 4,
      "circle-stroke-color": ["case", [">", ["get", "red"], 0], lights.red ?? "", [">", ["get", "yellow"], 0], lights.yellow ?? "", lights.green ?? ""],
    },
  });
  map.addLayer({
    id: "cluster-label",
    type: "symbol",
    source: "points",
    filter: ["has", "point_count"],
    layout: {
      // The overdue ones are named in words, too: colour alone says nothing to some.
      "text-field": ["case", [">", ["get", "red"], 0], ["concat", ["get", "point_count_abbreviated"], "\n", t("map_red"), ["get", "red"]], ["get", "point_count_abbreviated"]],
      "text-size": 10.5,
      "text-line-height": 1.1,
      "text-font": fontStack,
      "text-allow-overlap": true,
    },
    paint: { "text-color": palette().text },
  });
  map.addLayer({
    id: "point",
    type: "symbol",
    source: "points",
    filter: ["!", ["has", "point_count"]],
    layout: {
      "icon-image": ["concat", "light-", ["coalesce", ["get", "light"], "done"]],
      "icon-allow-overlap": true,
      "icon-size": ["case", ["==", ["get", "layer"], "mark"], 1.4, 1],
      "symbol-sort-key": ["match", ["get", "light"], "red", 3, "yellow", 2, "green", 1, 0],
      "text-field": ["step", ["zoom"], "", 15, ["coalesce", ["get", "label"], ""]],
      "text-size": 11,
      "text-font": fontStack,
      "text-offset": [0, 1.3],
      "text-anchor": "top",
      "text-optional": true,
    },
    paint: { "text-color": palette().text, "text-halo-color": surface, "text-halo-width": 1.4 },
  });
}

/** Sort the features of one collection into the sources. */
export function setData(map: MapLibre, data: Collection): void {
  const of = (test: (layer: string, point: boolean) => boolean): Collection => ({
    type: "FeatureCollection",
    features: data.features.filter(
      ({ geometry, properties }) => geometry && test(String(properties?.layer ?? ""), geometry.type === "Point"),
    ),
  });
  const set = (id: string, part: Collection) => map.getSource<GeoJSONSource>(id)?.setData(part as GeoJSON.GeoJSON);
  set("areas", of((layer, point) => !point && layer !== "cell"));
  set("points", of((layer, point) => point && !AREAS.includes(layer)));
  const cells = of((layer) => layer === "cell");
  if (cells.features.length) setCells(map, cells);
}

export function setCells(map: MapLibre, cells: Collection): void {
  map.getSource<GeoJSONSource>("cells")?.setData(cells as GeoJSON.GeoJSON);
}
