// What the map should show first.
import { LngLatBounds } from "maplibre-gl";

import type { Collection } from "./layers";

/** The marks or roads if there are any, else the areas, else the points; undefined if there is nothing. */
export function boundsOf(data: Collection): LngLatBounds | undefined {
  const layers: ((layer: string, type: string) => boolean)[] = [
    (layer) => layer === "mark" || layer === "road",
    (layer) => layer === "district",
    (layer, type) => layer === "street" || type.includes("Line"),
    (_layer, type) => type === "Point",
    () => true,
  ];
  for (const wanted of layers) {
    const bounds = new LngLatBounds();
    for (const { geometry, properties } of data.features) {
      if (geometry && "coordinates" in geometry && wanted(String(properties?.layer ?? ""), geometry.type)) {
        extend(bounds, geometry.coordinates);
      }
    }
    if (!bounds.isEmpty()) return bounds;
  }
  return undefined;
}

type Nested = number | Nested[];

function extend(bounds: LngLatBounds, coordinates: Nested[]): void {
  if (typeof coordinates[0] === "number") bounds.extend(coordinates.slice(0, 2) as [number, number]);
  else for (const part of coordinates) extend(bounds, part as Nested[]);
}
