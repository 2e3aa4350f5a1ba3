// Basemaps: none (default), XYZ raster tiles, PMTiles (raster, or vector in the Protomaps schema), Tianditu. All in WGS-84.
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";
import { PMTiles, TileType } from "pmtiles";

import { isDark, palette } from "../palette";

export interface Basemap {
  kind?: "none" | "xyz" | "pmtiles" | "tianditu";
  url?: string;
  key?: string;
  layer?: "vec" | "img" | "ter";
  attribution?: string;
  maxzoom?: number;
}

export async function baseStyle(basemap: Basemap | undefined): Promise<StyleSpecification> {
  const style: StyleSpecification = {
    version: 8,
    sources: {},
    layers: [{ id: "land", type: "background", paint: { "background-color": palette().land } }],
  };
  if (basemap?.kind === "xyz" && basemap.url) raster(style, "base", basemap.url, basemap);
  if (basemap?.kind === "tianditu" && basemap.key) tianditu(style, basemap, basemap.key);
  if (basemap?.kind === "pmtiles" && basemap.url) await pmtiles(style, basemap, basemap.url);
  return style;
}

function raster(style: StyleSpecification, id: string, url: string | string[], { attribution, maxzoom }: Basemap): void {
  style.sources[id] = { type: "raster", tiles: [url].flat(), tileSize: 256, attribution: attribution ?? "", maxzoom: maxzoom ?? 18 };
  // Calm under the data; darker at night.
  const paint = { "raster-saturation": -0.4, "raster-brightness-max": isDark() ? 0.55 : 1 };
  style.layers.push({ id, type: "raster", source: id, paint });
}

function tianditu(style: StyleSpecification, basemap: Basemap, key: string): void {
  const layer = basemap.layer ?? "vec";
  const labels = { vec: "cva", img: "cia", ter: "cta" }[layer];
  for (const name of [layer, labels]) {
    const tiles = [0, 1, 2, 3, 4, 5, 6, 7].map(
      (n) =>
        `https://t${n}.tianditu.gov.cn/${name}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER=${name}` +
        `&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=${encodeURIComponent(key)}`,
    );
    raster(style, `tianditu-${name}`, tiles, { ...basemap, attribution: basemap.attribution ?? "天地图" });
  }
}

async function pmtiles(style: StyleSpecification, basemap: Basemap, path: string): Promise<void> {
  const url = new URL(path, document.baseURI).href;
  let header;
  try {
    header = await new PMTiles(url).getHeader();
  } catch (error) {
    console.warn("basemap:", error); // the archive cannot be read: the district's own shapes still make a map
    return;
  }
  const { tileType, maxZoom } = header;
  if (tileType !== TileType.Mvt) {
    raster(style, "base", `pmtiles://${url}/{z}/{x}/{y}`, { ...basemap, maxzoom: maxZoom });
    return;
  }
  style.sources.base = { type: "vector", url: `pmtiles://${url}`, attribution: basemap.attribution ?? "" };
  style.layers.push(...vectorLayers());
}

/** Enough of the Protomaps schema to find one's way: water, green, buildings, roads. */
function vectorLayers(): LayerSpecification[] {
  const dark = isDark();
  const fill = (id: string, color: string): LayerSpecification => ({
    id: `base-${id}`,
    type: "fill",
    source: "base",
    "source-layer": id,
    paint: { "fill-color": color },
  });
  return [
    fill("landuse", dark ? "#1f2d2a" : "#e3ecdf"),
    fill("water", dark ? "#16303f" : "#c7dff0"),
    fill("buildings", dark ? "#263340" : "#e1e5ea"),
    {
      id: "base-roads",
      type: "line",
      source: "base",
      "source-layer": "roads",
      paint: { "line-color": dark ? "#34424f" : "#ffffff", "line-width": ["interpolate", ["linear"], ["zoom"], 10, 0.5, 14, 2, 18, 10] },
    },
  ];
}
