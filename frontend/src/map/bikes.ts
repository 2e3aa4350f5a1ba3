// <div data-bike-map>: the live map of shared bikes. Its form filters here, without asking the server again.
import type { Map as MapLibre } from "maplibre-gl";

import { announce, jsonFrom, onTheme } from "../dom";
import { fontsFor } from "../fonts";
import { addBikeLayers, setBays, setVehicles, setZones } from "./bikelayers";
import { onBikeClicks } from "./bikepopup";
import { boundsOf } from "./bounds";
import { createMap } from "./engine";
import { Fleet, type Vehicle } from "./fleet";
import { type Collection, addLayers, setData } from "./layers";
import { basemapOf, labelsOf, load } from "./map";

export interface Words {
  classes: { name: string; label: string; light: "green" | "yellow" | "red" | "paused" | "done" }[];
  fills: Record<string, { label: string; light: "green" | "yellow" | "red" | "paused" | "done" }>;
  tight: number;
  list: string;
  [text: string]: unknown;
}

const POLL_MS = 5_000;
const QUIET_MS = 60_000; // with the stream open, to be sure
const SPACING_MS = 2_000; // between two questions

export async function showBikes(el: HTMLElement): Promise<void> {
  await new Board(el).start();
}

class Board {
  private readonly words: Words;
  private readonly fleet: Fleet;
  private readonly form: HTMLFormElement | null;
  private readonly status: HTMLElement | null;
  private map!: MapLibre;
  private areas!: Collection;
  private bays!: Collection;
  private zones!: Collection;
  private streaming = false;
  private asked = 0;
  private waiting: number | undefined;
  private updated = "";

  constructor(private readonly el: HTMLElement) {
    this.words = jsonFrom<Words>(el.dataset.words) as Words;
    const gone = this.words.classes.findIndex(({ name }) => name === "gone");
    this.fleet = new Fleet(el.dataset.changes ?? "", gone);
    this.form = document.querySelector<HTMLFormElement>(el.dataset.form ?? "");
    this.status = document.querySelector<HTMLElement>(el.dataset.status ?? "");
  }

  async start(): Promise<void> {
    const [areas, grounds] = await Promise.all([load(this.el), this.grounds(), this.fleet.update()]);
    this.areas = areas;
    [this.bays, this.zones] = [grounds.bays, grounds.zones];
    await fontsFor(labelsOf(areas) + JSON.stringify(this.words) + labelsOf(this.zones));
    await this.draw();
    this.say();
    onTheme(() => void this.again());
    this.form?.addEventListener("change", () => {
      this.fill();
      this.tell();
    });
    this.form?.addEventListener("submit", (event) => event.preventDefault());
    this.listen();
    document.addEventListener("visibilitychange", () => this.soon(0));
  }

  private async grounds(): Promise<{ bays: Collection; zones: Collection }> {
    const answer = await fetch(this.el.dataset.grounds ?? "", { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`grounds: HTTP ${answer.status}`);
    return (await answer.json()) as { bays: Collection; zones: Collection };
  }

  private async draw(): Promise<void> {
    this.map = await createMap(this.el, basemapOf(this.el));
    addLayers(this.map, false);
    setData(this.map, this.areas);
    addBikeLayers(this.map, this.words);
    setZones(this.map, this.zones);
    this.fill();
    const bounds = this.el.dataset.fit === "false" ? undefined : (boundsOf(this.points()) ?? boundsOf(this.areas));
    if (bounds) this.map.fitBounds(bounds, { padding: 32, maxZoom: 15.5, animate: false });
    onBikeClicks(this.map, this.el, this.words);
    this.map.on("idle", () => {
      this.el.dataset.clusters = String(this.map.queryRenderedFeatures({ layers: ["bike-cluster"] }).length);
    });
    await new Promise<void>((resolve) => this.map.once("idle", () => resolve()));
    this.el.dataset.ready = "1";
  }

  private async again(): Promise<void> {
    const { lng, lat } = this.map.getCenter();
    delete this.el.dataset.ready;
    Object.assign(this.el.dataset, { center: `${lng},${lat}`, zoom: String(this.map.getZoom()), fit: "false" });
    this.map.remove();
    await this.draw();
  }

  // ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────

  /** Vehicles that the form lets through; `kinds` without its choice of classes. */
  private passes(vehicle: Vehicle, kinds: Set<string> | undefined): boolean {
    const { operator, mark } = this.chosen;
    if (operator && this.fleet.operators[vehicle.operator]?.code !== operator) return false;
    if (mark && !(vehicle.mark & (mark === "violation" ? 1 : 2))) return false;
    return !kinds || kinds.has(this.words.classes[vehicle.kind]?.name ?? "");
  }

  private get chosen(): { operator: string; mark: string; kinds: Set<string> | undefined } {
    const value = (name: string) => String((this.form?.elements.namedItem(name) as HTMLSelectElement | null)?.value ?? "");
    const boxes = [...(this.form?.querySelectorAll<HTMLInputElement>("[name=class]") ?? [])];
    const kinds = boxes.length ? new Set(boxes.filter((box) => box.checked).map((box) => box.value)) : undefined;
    return { operator: value("operator"), mark: value("mark"), kinds };
  }

  private points(): Collection {
    const { kinds } = this.chosen;
    const features: Collection["features"] = [];
    for (const [id, vehicle] of this.fleet.vehicles) {
      if (!vehicle.lon && !vehicle.lat) continue; // has no place here
      if (!this.passes(vehicle, kinds)) continue;
      const { name, light } = this.words.classes[vehicle.kind] ?? { name: "", light: "done" };
      const properties = { id, seen: name, light, layer: "bike" };
      features.push({ type: "Feature", geometry: { type: "Point", coordinates: [vehicle.lon, vehicle.lat] }, properties });
    }
    return { type: "FeatureCollection", features };
  }

  private fill(): void {
    const points = this.points();
    setVehicles(this.map, points);
    setBays(this.map, this.filled());
    this.count();
    this.el.dataset.shown = String(points.features.length);
  }

  /** Bays with how many vehicles stand in them now. */
  private filled(): Collection {
    const standing = new Map<number, number>();
    for (const { bay } of this.fleet.vehicles.values()) if (bay) standing.set(bay, (standing.get(bay) ?? 0) + 1);
    const features = this.bays.features.map((feature) => {
      const n = standing.get(Number(feature.id)) ?? 0;
      const capacity = Number(feature.properties?.capacity ?? 0);
      const state = n === 0 ? "empty" : n > capacity ? "over" : n >= this.words.tight * capacity ? "tight" : "room";
      return { ...feature, properties: { ...feature.properties, n, state, light: this.words.fills[state]?.light, label: `${n}/${capacity}` } };
    });
    return { type: "FeatureCollection", features };
  }

  /** The numbers beside the classes in the form: under the other filters, not under the choice of classes. */
  private count(): void {
    const counts = new Map<string, number>();
    for (const vehicle of this.fleet.vehicles.values()) {
      const name = this.words.classes[vehicle.kind]?.name ?? "";
      if (this.passes(vehicle, undefined)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    this.form?.querySelectorAll<HTMLElement>("[data-class-count]").forEach((el) => {
      el.textContent = String(counts.get(el.dataset.classCount ?? "") ?? 0);
    });
  }

  // ── what is new ──────────────────────────────────────────────────────────────────────────────────────────────

  private listen(): void {
    const events = document.body.dataset.events;
    if (events) {
      const source = new EventSource(`${events}/bikes`, { withCredentials: true });
      const heard = () => {
        this.streaming = true;
        this.soon(0);
      };
      source.addEventListener("ready", heard);
      source.addEventListener("bikes", heard);
      source.addEventListener("error", () => (this.streaming = false));
      window.addEventListener("pagehide", () => source.close());
    }
    setInterval(() => {
      if (Date.now() - this.asked >= (this.streaming ? QUIET_MS : POLL_MS) - 500) this.soon(0);
    }, POLL_MS);
  }

  /** Ask as soon as the last question is long enough ago; several wishes are one. */
  private soon(after: number): void {
    if (document.hidden || this.waiting !== undefined) return;
    const wait = Math.max(after, this.asked + SPACING_MS - Date.now(), 0);
    this.waiting = window.setTimeout(() => {
      void this.refresh().finally(() => (this.waiting = undefined));
    }, wait);
  }

  private async refresh(): Promise<void> {
    this.asked = Date.now();
    try {
      if ((await this.fleet.update()) && this.el.dataset.ready) this.fill();
      this.say();
    } catch (error) {
      console.warn(error);
      this.tell("offline");
    }
    this.asked = Date.now();
  }

  private say(): void {
    this.updated = new Date().toLocaleTimeString([], { hour12: false, timeZone: "Asia/Shanghai" });
    this.tell("updated");
  }

  private tell(word = this.status?.dataset.said ?? "updated"): void {
    if (!this.status) return;
    const text = String(this.words[word]).replace("{time}", this.updated);
    const how = String(this.words[this.streaming ? "live" : "polling"]);
    const shown = String(this.words.shown).replace("{n}", this.el.dataset.shown ?? "0");
    this.status.textContent = [shown, text, word === "updated" ? how : ""].filter(Boolean).join(" · ");
    this.status.classList.toggle("text-danger", word === "offline");
    if (word === "offline" && this.status.dataset.said !== word) announce(text, "danger");
    this.status.dataset.said = word;
  }
}
