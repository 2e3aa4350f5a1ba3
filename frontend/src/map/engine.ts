// MapLibre set up for us: its worker from our own address (without `setWorkerUrl` the map stays silently empty),
// Chinese labels drawn from the reader's fonts, no request to anybody unless the district configures a basemap.
import "maplibre-gl/dist/maplibre-gl.css";
import { Map as MapLibre, NavigationControl, ScaleControl, addProtocol, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { Protocol } from "pmtiles";

import { FONT } from "../fonts";
import { t } from "../strings";
import { type Basemap, baseStyle } from "./basemap";

setWorkerUrl(new URL(workerUrl, import.meta.url).href);
addProtocol("pmtiles", new Protocol().tile);

/** "lon,lat" in WGS-84 degrees. */
export function parseCenter(text: string | undefined): [number, number] {
  const [lon, lat] = (text ?? "").split(",").map(Number);
  return Number.isFinite(lon) && Number.isFinite(lat) ? [lon as number, lat as number] : [113.298, 40.0757];
}

/** A map in `el`, without data yet. */
export async function createMap(el: HTMLElement, basemap: Basemap | undefined): Promise<MapLibre> {
  const map = new MapLibre({
    container: el,
    style: await baseStyle(basemap),
    center: parseCenter(el.dataset.center),
    zoom: Number(el.dataset.zoom ?? 11),
    maxZoom: 19,
    localIdeographFontFamily: FONT,
    attributionControl: { compact: true },
    cooperativeGestures: el.dataset.scroll === "page",
    canvasContextAttributes: { preserveDrawingBuffer: true }, // or the printer gets an empty map
    dragRotate: false,
    pitchWithRotate: false,
    locale: {
      "NavigationControl.ZoomIn": t("map_zoom_in"),
      "NavigationControl.ZoomOut": t("map_zoom_out"),
      "AttributionControl.ToggleAttribution": t("map_attribution"),
      "Popup.Close": t("close"),
      "CooperativeGesturesHandler.WindowsHelpText": t("map_ctrl_scroll"),
      "CooperativeGesturesHandler.MacHelpText": t("map_ctrl_scroll"),
      "CooperativeGesturesHandler.MobileHelpText": t("map_two_fingers"),
      "Map.Title": el.dataset.label ?? t("map"),
    },
  });
  map.touchZoomRotate.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  return map;
}
