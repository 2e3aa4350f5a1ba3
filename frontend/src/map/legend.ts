// The legend names each light that occurs, and says when outlines are only illustrative.
import { h } from "../dom";
import { LIGHTS } from "../palette";
import { t } from "../strings";
import type { Collection } from "./layers";
import { shapeCanvas } from "./shapes";

export function drawLegend(el: HTMLElement, data: Collection): void {
  el.querySelector(".map-legend")?.remove();
  const box = h("div", { class: "map-legend" });
  const present = new Set(data.features.map((feature) => feature.properties?.light));
  for (const light of LIGHTS.filter((name) => present.has(name))) {
    box.append(h("span", {}, shapeCanvas(light, 1), t(`light_${light}`)));
  }
  if (data.features.some((feature) => feature.properties?.illustrative)) {
    box.append(h("span", { class: "map-illustrative" }, t("map_illustrative")));
  }
  if (box.childElementCount) el.append(box);
}
