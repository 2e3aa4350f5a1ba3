// <div data-map-pick>: choose a place by click, drag, arrow keys or the device's position. The plain inputs stay the truth.
import { type LngLatLike, type Map as MapLibre, Marker } from "maplibre-gl";

import { announce, h, icon } from "../dom";
import { fontsFor } from "../fonts";
import { t } from "../strings";
import { boundsOf } from "./bounds";
import { createMap, parseCenter } from "./engine";
import { addLayers, setData } from "./layers";
import { basemapOf, labelsOf, load } from "./map";
import { nameUnderCross } from "./under";

const METRES_PER_DEGREE = 111_320;

interface Inputs {
  lon: HTMLInputElement;
  lat: HTMLInputElement;
  accuracy: HTMLInputElement | null;
  datum: HTMLInputElement | HTMLSelectElement | null;
  pair: HTMLInputElement | null; // one input "lon,lat" instead of two
}

export async function pick(el: HTMLElement): Promise<void> {
  const inputs = findInputs(el);
  const data = await load(el);
  await fontsFor(labelsOf(data));
  const map = await createMap(el, basemapOf(el));
  addLayers(map, false);
  setData(map, data);
  const pin = new Pin(el, map, inputs);
  const bounds = boundsOf(data);
  if (inputs.lon.value && inputs.lat.value) pin.fromInputs();
  else if (bounds && el.dataset.fit !== "false") map.fitBounds(bounds, { padding: 24, animate: false });
  map.on("click", (event) => pin.put(event.lngLat.toArray(), null));
  for (const input of [inputs.lon, inputs.lat, inputs.pair]) {
    input?.addEventListener("change", (event) => event.isTrusted && pin.fromInputs());
  }
  el.before(locateButton(pin));
  if (el.dataset.locateUrl) nameUnderCross(el, map, el.dataset.locateUrl, (at) => pin.put(at.toArray(), null));
  await new Promise<void>((resolve) => map.once("idle", () => resolve()));
  el.dataset.ready = "1";
}

function findInputs(el: HTMLElement): Inputs {
  const find = <T extends HTMLElement>(selector: string | undefined) =>
    selector ? document.querySelector<T>(selector) : null;
  const pair = find<HTMLInputElement>(el.dataset.pairInput);
  if (pair) return splitPair(pair);
  const lon = find<HTMLInputElement>(el.dataset.lonInput);
  const lat = find<HTMLInputElement>(el.dataset.latInput);
  if (!lon || !lat) throw new Error("data-map-pick: data-lon-input and data-lat-input must name inputs");
  return { lon, lat, accuracy: find(el.dataset.accuracyInput), datum: find(el.dataset.datumInput), pair: null };
}

/** Two inputs that are not on the page, kept the same as the one that is. */
function splitPair(pair: HTMLInputElement): Inputs {
  const [lon, lat] = [h("input", {}), h("input", {})] as [HTMLInputElement, HTMLInputElement];
  const read = () => {
    [lon.value = "", lat.value = ""] = pair.value.split(",").map((part) => part.trim());
  };
  const write = () => {
    pair.value = `${lon.value},${lat.value}`;
  };
  read();
  pair.addEventListener("change", (event) => event.isTrusted && read());
  for (const input of [lon, lat]) input.addEventListener("change", write);
  return { lon, lat, accuracy: null, datum: null, pair };
}

class Pin {
  private marker: Marker | undefined;

  constructor(
    private readonly el: HTMLElement,
    private readonly map: MapLibre,
    private readonly inputs: Inputs,
  ) {}

  /** Set the place: WGS-84 degrees, accuracy in metres or null where a person chose it. */
  put([lon, lat]: [number, number], accuracy: number | null): void {
    this.inputs.lon.value = lon.toFixed(6);
    this.inputs.lat.value = lat.toFixed(6);
    if (this.inputs.accuracy) this.inputs.accuracy.value = accuracy === null ? "" : String(Math.round(accuracy));
    if (this.inputs.datum) this.inputs.datum.value = "WGS-84";
    for (const input of [this.inputs.lon, this.inputs.lat]) input.dispatchEvent(new Event("change", { bubbles: true }));
    this.el.dispatchEvent(new CustomEvent("shaodao:picked", { bubbles: true, detail: { lon, lat } }));
    this.place([lon, lat]);
  }

  fromInputs(): void {
    const at = parseCenter(`${this.inputs.lon.value},${this.inputs.lat.value}`);
    if (!this.inputs.lon.value || !this.inputs.lat.value) return;
    this.place(at);
    this.map.jumpTo({ center: at, zoom: Math.max(this.map.getZoom(), 15) });
  }

  private place(at: LngLatLike): void {
    if (this.marker) {
      this.marker.setLngLat(at);
      return;
    }
    const handle = h("button", { type: "button", class: "map-pin", "aria-label": t("map_pin") });
    handle.append(icon("map-pin-filled"));
    handle.addEventListener("click", (event) => event.stopPropagation());
    handle.addEventListener("keydown", (event) => this.nudge(event));
    this.marker = new Marker({ element: handle, draggable: true, anchor: "bottom" }).setLngLat(at).addTo(this.map);
    this.marker.on("dragend", () => this.marker && this.put(this.marker.getLngLat().toArray(), null));
  }

  /** Arrow keys move the pin by 5 m, with Shift by 50 m. */
  private nudge(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const step = steps[event.key];
    if (!step || !this.marker) return;
    event.preventDefault();
    event.stopPropagation();
    const { lng, lat } = this.marker.getLngLat();
    const degrees = (event.shiftKey ? 50 : 5) / METRES_PER_DEGREE;
    this.put([lng + (step[0] * degrees) / Math.cos((lat * Math.PI) / 180), lat + step[1] * degrees], null);
    this.map.panTo(this.marker.getLngLat());
  }

  go(lon: number, lat: number, accuracy: number): void {
    this.put([lon, lat], accuracy);
    this.map.jumpTo({ center: [lon, lat], zoom: 17 });
  }
}

function locateButton(pin: Pin): HTMLElement {
  const button = h("button", { type: "button", class: "btn map-locate" }, icon("current-location"), t("map_my_position"));
  button.addEventListener("click", () => {
    if (!("geolocation" in navigator)) return announce(t("map_no_position"), "danger");
    button.classList.add("is-sending");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        button.classList.remove("is-sending");
        pin.go(coords.longitude, coords.latitude, coords.accuracy);
        announce(t("map_position_found", { m: Math.round(coords.accuracy) }));
      },
      () => {
        button.classList.remove("is-sending");
        announce(t("map_no_position"), "danger");
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 },
    );
  });
  return button;
}
