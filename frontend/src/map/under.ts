// What lies under the cross in the middle of a map on which a place is picked, and under the mouse: street and community
// by name. There may be no basemap, and a bare map is a guess. The button takes the cross: the map moves by keys too.
import type { LngLat, Map as MapLibre } from "maplibre-gl";

import { h } from "../dom";
import { t } from "../strings";

interface Located {
  inside: boolean;
  street: { name: string } | null;
  community: { name: string } | null;
}

const PAUSE = 150; // ms that the map or the mouse must rest before the server is asked

export function nameUnderCross(el: HTMLElement, map: MapLibre, url: string, take: (at: LngLat) => void): void {
  const name = h("span", { class: "map-under-name", role: "status" });
  const button = h("button", { type: "button", class: "btn btn-sm" }, t("map_take_cross"));
  button.addEventListener("click", () => take(map.getCenter()));
  el.append(h("span", { class: "map-cross", "aria-hidden": "true" }));
  el.after(h("div", { class: "map-under" }, name, button));
  const known = new Map<string, string>();
  let timer = 0;
  let latest = "";
  const ask = ({ lng, lat }: LngLat) => {
    const key = `lon=${lng.toFixed(4)}&lat=${lat.toFixed(4)}`; // ten metres
    latest = key;
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      void (known.has(key) ? Promise.resolve(known.get(key) ?? "") : locate(`${url}?${key}`)).then((text) => {
        known.set(key, text);
        if (key === latest) name.textContent = text;
      }, console.warn);
    }, PAUSE);
  };
  map.on("moveend", () => ask(map.getCenter()));
  map.on("mousemove", (event) => ask(event.lngLat));
  map.on("mouseout", () => ask(map.getCenter()));
  ask(map.getCenter());
}

async function locate(url: string): Promise<string> {
  const answer = await fetch(url, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
  const { inside, street, community } = (await answer.json()) as Located;
  return inside ? [street?.name, community?.name].filter(Boolean).join(" · ") : t("map_outside");
}
