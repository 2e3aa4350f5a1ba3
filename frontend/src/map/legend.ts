// The legend names each light that occurs, and says when outlines are only illustrative.
import { h } from "../dom";
import { LIGHTS } from "../palette";
import { t } from "../strings";
import type { Collection } from "./layers";
import { shapeCanvas } from "./shapes";

export function drawLegend(el: HTMLElement, data: Collection): void {
  el.querySelector(".map-legend")?.remove();
  const box = h("div", { class: "map-legend" });
  // A page may call the lights otherwise (`light_words`): the public reads "being handled", not "running late".
  const words = new Map(data.features.map(({ properties: p }) => [p?.light, String(p?.light_words ?? "")]));
  for (const light of LIGHTS.filter((name) => words.has(name))) {
    box.append(h("span", {}, shapeCanvas(light, 1), words.get(light) || t(`light_${light}`)));
  }
  if (data.features.some((feature) => feature.properties?.illustrative)) {
    box.append(h("span", { class: "map-illustrative" }, t("map_illustrative")));
  }
  if (box.childElementCount) el.append(box);
}
