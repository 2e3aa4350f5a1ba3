// How bikes, bays and zones look: each class and each fill by a colour and a shape or a number.
import type { ExpressionSpecification, GeoJSONSource, Map as MapLibre } from "maplibre-gl";

import { FONT } from "../fonts";
import { palette } from "../palette";
import type { Words } from "./bikes";
import type { Collection } from "./layers";

const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };
const BAY_ZOOM = 14;
const LABEL_ZOOM = 16.5;

export function addBikeLayers(map: MapLibre, words: Words): void {
  const { lights, surface, text } = palette();
  const light: ExpressionSpecification = ["match", ["get", "light"], "red", lights.red, "yellow", lights.yellow, "green", lights.green, lights.done];
  for (const id of ["zones", "bays"]) map.addSource(id, { type: "geojson", data: EMPTY });
  map.addLayer({ id: "zone-fill", type: "fill", source: "zones", minzoom: BAY_ZOOM - 1, paint: { "fill-color": lights.red, "fill-opacity": 0.12 } });
  map.addLayer({ id: "zone-line", type: "line", source: "zones", minzoom: BAY_ZOOM - 1, paint: { "line-color": lights.red, "line-width": 1.6, "line-dasharray": [3, 2] } });
  map.addLayer({ id: "bay-fill", type: "fill", source: "bays", minzoom: BAY_ZOOM, paint: { "fill-color": light, "fill-opacity": 0.45 } });
  // What is over capacity has the thickest outline, what is empty the thinnest.
  const width: ExpressionSpecification = ["match", ["get", "state"], "over", 4, "tight", 2.6, "room", 1.6, 0.8];
  map.addLayer({ id: "bay-line", type: "line", source: "bays", minzoom: BAY_ZOOM, paint: { "line-color": light, "line-width": width } });
  addVehicles(map, words);
  const label = { "text-size": 11, "text-font": [FONT], "text-allow-overlap": false };
  const halo = { "text-color": text, "text-halo-color": surface, "text-halo-width": 1.6 };
  map.addLayer({ id: "zone-label", type: "symbol", source: "zones", minzoom: BAY_ZOOM, layout: { ...label, "text-field": ["get", "label"] }, paint: halo });
  map.addLayer({ id: "bay-label", type: "symbol", source: "bays", minzoom: LABEL_ZOOM, layout: { ...label, "text-field": ["get", "label"], "text-offset": [0, 1.5] }, paint: halo });
}

function addVehicles(map: MapLibre, words: Words): void {
  const { lights, surface, text } = palette();
  const wrong: ExpressionSpecification = ["+", ["case", ["in", ["get", "seen"], ["literal", ["outside", "zone"]]], 1, 0]];
  map.addSource("bikes", { type: "geojson", data: EMPTY, cluster: true, clusterRadius: 52, clusterMaxZoom: 15, clusterProperties: { wrong } });
  const share: ExpressionSpecification = ["/", ["get", "wrong"], ["get", "point_count"]];
  map.addLayer({
    id: "bike-cluster",
    type: "circle",
    source: "bikes",
    filter: ["has", "point_count"],
    paint: {
      "circle-color": surface,
      "circle-radius": ["step", ["get", "point_count"], 17, 10, 20, 100, 25, 1000, 32],
      "circle-stroke-width": 4,
      "circle-stroke-color": ["case", [">", share, 0.3], lights.red, [">", share, 0.1], lights.yellow, lights.green],
    },
  });
  map.addLayer({
    id: "bike-cluster-label",
    type: "symbol",
    source: "bikes",
    filter: ["has", "point_count"],
    layout: {
      "text-field": ["case", [">", ["get", "wrong"], 0], ["concat", ["get", "point_count_abbreviated"], "\n", String(words.wrong), ["get", "wrong"]], ["get", "point_count_abbreviated"]],
      "text-size": 10.5,
      "text-line-height": 1.1,
      "text-font": [FONT],
      "text-allow-overlap": true,
    },
    paint: { "text-color": text },
  });
  map.addLayer({
    id: "bike-point",
    type: "symbol",
    source: "bikes",
    filter: ["!", ["has", "point_count"]],
    layout: {
      "icon-image": ["concat", "light-", ["get", "light"]],
      "icon-allow-overlap": true,
      "icon-size": ["interpolate", ["linear"], ["zoom"], 14, 0.55, 18, 0.95],
      "symbol-sort-key": ["match", ["get", "light"], "red", 3, "yellow", 2, "green", 1, 0],
    },
  });
}

const set = (map: MapLibre, id: string, data: Collection) => map.getSource<GeoJSONSource>(id)?.setData(data as GeoJSON.GeoJSON);
export const setVehicles = (map: MapLibre, data: Collection): void => void set(map, "bikes", data);
export const setBays = (map: MapLibre, data: Collection): void => void set(map, "bays", data);
export const setZones = (map: MapLibre, data: Collection): void => void set(map, "zones", data);
