// Every page. Each component looks for its own attribute; maps and charts are fetched only where a page has one.
import "./styles/main.css";
import "./fonts";

import "bootstrap/js/dist/collapse";
import "bootstrap/js/dist/dropdown";
import "bootstrap/js/dist/modal";
import "bootstrap/js/dist/offcanvas";
import "bootstrap/js/dist/tab";
import Alpine from "@alpinejs/csp";

import { bulk } from "./components/bulk";
import { confirmation } from "./components/confirm";
import { copy } from "./components/copy";
import { dependent } from "./components/dependent";
import { draft } from "./components/draft";
import { exclusive } from "./components/exclusive";
import { forms } from "./components/forms";
import { htmxSetup } from "./components/htmx";
import { live } from "./components/live";
import { locate } from "./components/locate";
import { menus } from "./components/menu";
import { offline } from "./components/offline";
import { passkey } from "./components/passkey";
import { photos } from "./components/photos";
import { queues } from "./components/queue";
import { redact } from "./components/redact";
import { rows } from "./components/rows";
import { theme } from "./components/theme";
import { times } from "./components/times";
import { trips } from "./components/trip";
import { wordings } from "./components/wording";
import { each } from "./dom";
import { t } from "./strings";

function lazily(root: ParentNode, selector: string, mount: (el: HTMLElement) => Promise<void>): void {
  each(root, selector, (el) => {
    mount(el).catch((error: unknown) => {
      console.error(error);
      el.dataset.failed = "1";
      el.textContent = t("part_failed");
    });
  });
}

function enhance(root: ParentNode): void {
  passkey(root); // before the guard of forms, see there
  forms(root);
  bulk(root);
  copy(root);
  dependent(root);
  draft(root);
  exclusive(root);
  locate(root);
  photos(root);
  queues(root);
  redact(root);
  rows(root);
  times(root);
  trips(root);
  wordings(root);
  lazily(root, "[data-map]", async (el) => (await import("./map/map")).show(el));
  lazily(root, "[data-bike-map]", async (el) => (await import("./map/bikes")).showBikes(el));
  lazily(root, "[data-map-pick]", async (el) => (await import("./map/pick")).pick(el));
  lazily(root, "[data-map-shape]", async (el) => (await import("./map/shape")).shape(el));
  each<HTMLSelectElement>(root, "select[data-choose]", (el) => {
    void import("./components/choose").then(({ choose }) => choose(el)).catch(console.warn);
  });
  lazily(root, "[data-chart]", async (el) => (await import("./chart/chart")).show(el));
}

document.documentElement.classList.add("js");
confirmation(); // before the double-submission guard: a form that still asks is not yet sent
htmxSetup(enhance);
menus();
offline();
theme();
enhance(document);
live();
Alpine.start();
