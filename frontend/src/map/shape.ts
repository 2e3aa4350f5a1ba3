// <div data-map-shape>: an outline among its neighbours. With data-edit="#textarea" it is drawn and changed here, and
// every step can be taken back; the text stays the truth, and without this script it is all there is.
import type { Map as MapLibre } from "maplibre-gl";
import {
  type GeoJSONStoreFeatures,
  TerraDraw,
  TerraDrawAngledRectangleMode,
  TerraDrawPolygonMode,
  TerraDrawSelectMode,
} from "terra-draw";
import { TerraDrawMapLibreGLAdapter } from "terra-draw-maplibre-gl-adapter";

import { announce, h, icon } from "../dom";
import { fontsFor } from "../fonts";
import { palette } from "../palette";
import { t } from "../strings";
import { boundsOf } from "./bounds";
import { createMap } from "./engine";
import { type Collection, addLayers, setData } from "./layers";
import { basemapOf, labelsOf, load } from "./map";

type Area = GeoJSON.Polygon | GeoJSON.MultiPolygon;
const DIGITS = 9; // what Terra Draw takes; a tenth of a millimetre
const CLOSEST = 21; // a bay is two metres wide
const OURS = ["bay", "outline"];

export async function shape(el: HTMLElement): Promise<void> {
  const data = await load(el);
  await fontsFor(labelsOf(data));
  const map = await createMap(el, basemapOf(el));
  map.setMaxZoom(CLOSEST);
  const mine = (wanted: boolean): Collection => ({
    type: "FeatureCollection",
    features: data.features.filter(({ properties }) => OURS.includes(String(properties?.layer ?? "")) === wanted),
  });
  addLayers(map, false);
  setData(map, mine(false));
  const input = el.dataset.edit ? document.querySelector<HTMLTextAreaElement>(el.dataset.edit) : null;
  addShapes(map, mine(true), input !== null);
  fit(map, mine(true), data, input);
  if (input) new Editor(el, map, input);
  await new Promise<void>((resolve) => map.once("idle", () => resolve()));
  el.dataset.ready = "1";
}

/** The neighbours, and the outline itself where it is not being edited. */
function addShapes(map: MapLibre, data: Collection, editing: boolean): void {
  const { primary, muted, lights } = palette();
  const features = data.features.filter(({ properties }) => !editing || properties?.layer !== "outline");
  map.addSource("shapes", { type: "geojson", data: { ...data, features } as GeoJSON.GeoJSON });
  const own = ["==", ["get", "layer"], "outline"] as ["==", ["get", string], string];
  map.addLayer({ id: "shape-fill", type: "fill", source: "shapes", paint: { "fill-color": ["case", own, lights.yellow, primary], "fill-opacity": 0.3 } });
  map.addLayer({ id: "shape-line", type: "line", source: "shapes", paint: { "line-color": ["case", own, lights.yellow, muted], "line-width": ["case", own, 2.5, 1] } });
}

/** The outline, or its neighbours, or what the page's map shows first. */
function fit(map: MapLibre, mine: Collection, all: Collection, input: HTMLTextAreaElement | null): void {
  const text = input ? areaOf(input.value) : null;
  const own = mine.features.filter(({ properties }) => properties?.layer === "outline");
  const features = text ? [{ type: "Feature" as const, geometry: text, properties: {} }] : own;
  const bounds = boundsOf({ type: "FeatureCollection", features }) ?? boundsOf(all);
  if (bounds) map.fitBounds(bounds, { padding: 64, maxZoom: text ? CLOSEST - 0.5 : 17.5, animate: false });
}

/** A Polygon or MultiPolygon of a text, or null. */
function areaOf(text: string): Area | null {
  try {
    const found = JSON.parse(text) as { type?: string; geometry?: Area } & Area;
    const area = found.type === ("Feature" as string) ? found.geometry : found;
    return area && ["Polygon", "MultiPolygon"].includes(area.type) && Array.isArray(area.coordinates) ? area : null;
  } catch {
    return null;
  }
}

class Editor {
  private readonly draw: TerraDraw;
  private readonly buttons = new Map<string, HTMLButtonElement>();
  private steps: string[];
  private at = 0;

  constructor(
    private readonly el: HTMLElement,
    map: MapLibre,
    private readonly input: HTMLTextAreaElement,
  ) {
    const move = { feature: { draggable: true, coordinates: { midpoints: true, draggable: true, deletable: true } } };
    this.draw = new TerraDraw({
      adapter: new TerraDrawMapLibreGLAdapter({ map, coordinatePrecision: DIGITS }),
      modes: [
        new TerraDrawAngledRectangleMode(),
        new TerraDrawPolygonMode(),
        new TerraDrawSelectMode({ flags: { polygon: move, "angled-rectangle": move } }),
      ],
    });
    this.draw.start();
    this.draw.on("finish", () => this.changed());
    this.steps = [input.value.trim()];
    el.before(this.toolbar());
    this.take(input.value);
    input.addEventListener("change", () => this.typed());
    this.mode(areaOf(input.value) ? "select" : "angled-rectangle");
  }

  private toolbar(): HTMLElement {
    const bar = h("div", { class: "map-tools only-js", role: "toolbar", "aria-label": t("map_draw") });
    const add = (name: string, sign: string, act: () => void) => {
      const button = h("button", { type: "button", class: "btn btn-sm" }, icon(sign), t(`map_draw_${name}`));
      button.addEventListener("click", act);
      this.buttons.set(name, button);
      bar.append(button);
    };
    add("rectangle", "layout-grid", () => this.mode("angled-rectangle"));
    add("polygon", "point", () => this.mode("polygon"));
    add("select", "edit", () => this.mode("select"));
    add("undo", "arrow-back-up", () => this.step(-1));
    add("redo", "arrow-forward-up", () => this.step(1));
    add("clear", "trash", () => this.clear());
    return bar;
  }

  /** Draw, or change what was drawn. A new outline takes the place of the one before. */
  private mode(name: "angled-rectangle" | "polygon" | "select"): void {
    this.draw.setMode(name);
    if (name === "select") {
      const [first] = this.draw.getSnapshot();
      if (first?.id !== undefined) this.draw.selectFeature(first.id);
    }
    for (const [key, of] of [["rectangle", "angled-rectangle"], ["polygon", "polygon"], ["select", "select"]] as const) {
      this.buttons.get(key)?.setAttribute("aria-pressed", String(of === name));
    }
    this.el.dataset.mode = name;
    this.enable();
  }

  private areas(): GeoJSONStoreFeatures[] {
    return this.draw.getSnapshot().filter(({ geometry, properties }) => geometry.type === "Polygon" && !properties.midPoint);
  }

  /** After a drawing or a move: the text follows, and a step is kept. */
  private changed(): void {
    const drawing = this.draw.getMode() !== "select";
    const areas = this.areas();
    const kept = drawing ? areas.slice(-1) : areas;
    const old = areas.filter((area) => !kept.includes(area)).flatMap(({ id }) => (id === undefined ? [] : [id]));
    if (old.length) this.draw.removeFeatures(old);
    const rings = kept.map(({ geometry }) => geometry.coordinates as number[][][]);
    const [one] = rings;
    const area = rings.length > 1 ? { type: "MultiPolygon", coordinates: rings } : { type: "Polygon", coordinates: one };
    this.keep(one ? JSON.stringify(area) : "");
    if (drawing) queueMicrotask(() => this.mode("select"));
  }

  private keep(text: string): void {
    this.steps = [...this.steps.slice(0, this.at + 1), text];
    this.at += 1;
    this.write(text);
  }

  private write(text: string): void {
    this.input.value = text;
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.enable();
  }

  private step(by: number): void {
    const text = this.steps[this.at + by];
    if (text === undefined) return;
    this.at += by;
    this.take(text);
    this.write(text);
    this.mode(text ? "select" : "angled-rectangle");
  }

  private clear(): void {
    this.draw.clear();
    if (this.input.value) this.keep("");
    this.mode("angled-rectangle");
  }

  private typed(): void {
    const text = this.input.value.trim();
    if (text === this.steps[this.at]) return;
    this.take(text);
    this.keep(text);
    this.mode(areaOf(text) ? "select" : "angled-rectangle");
  }

  /** Show a text's outline for editing. One with holes can only be changed as text. */
  private take(text: string): void {
    this.draw.clear();
    const area = areaOf(text);
    if (!area) return;
    const polygons = area.type === "Polygon" ? [area.coordinates] : area.coordinates;
    if (polygons.some((rings) => rings.length > 1)) {
      announce(t("map_draw_holes"));
      return;
    }
    const round = (ring: number[][]) => ring.map((corner) => corner.slice(0, 2).map((x) => Number(x.toFixed(DIGITS))));
    const made = polygons.map((rings) => ({
      type: "Feature" as const,
      geometry: { type: "Polygon" as const, coordinates: rings.map(round) },
      properties: { mode: "polygon" },
    }));
    const refused = this.draw.addFeatures(made as GeoJSONStoreFeatures[]).find(({ valid }) => !valid);
    if (refused) console.warn(refused.reason);
  }

  private enable(): void {
    const set = (name: string, on: boolean) => this.buttons.get(name)?.toggleAttribute("disabled", !on);
    set("undo", this.at > 0);
    set("redo", this.at < this.steps.length - 1);
    set("clear", this.input.value !== "");
    set("select", this.areas().length > 0);
  }
}
