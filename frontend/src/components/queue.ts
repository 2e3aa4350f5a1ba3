// Forms that crews fill in beside a bin or on the road: sent at once where there is a network, else noted on the phone
// and sent when it comes back. `<form data-queue="URL">`; each note is a JSON object of the form's fields with `at`, and
// `data-queue-key` names the field that makes sending twice harmless. The URL takes a list and answers {key: "ok" | faults}.
import { announce, each, h } from "../dom";
import { t } from "../strings";

type Note = Record<string, string | string[]>;
interface Waiting {
  url: string;
  key: string; // value of the key field
  what: string; // for people
  note: Note;
  fault?: string;
}

const STORE = "shaodao:queue";
const BATCH = 100;

function read(): Waiting[] {
  try {
    return JSON.parse(localStorage.getItem(STORE) ?? "[]") as Waiting[];
  } catch {
    return [];
  }
}

/** The values of a field in what waits on this phone. */
export function waitingKeys(field: string): Set<string> {
  return new Set(read().filter((w) => !w.fault).map((w) => String(w.note[field] ?? "")));
}

function write(waiting: Waiting[]): boolean {
  try {
    localStorage.setItem(STORE, JSON.stringify(waiting));
    return true;
  } catch {
    return false;
  }
}

export function queues(root: ParentNode): void {
  each<HTMLFormElement>(root, "form[data-queue]", (form) => form.addEventListener("submit", (event) => void send(form, event)));
  each(root, "[data-queue-box]", (box) => {
    show(box);
    const csrf = box.dataset.queueBox ?? "";
    const go = () => void flush(box, csrf);
    window.addEventListener("online", go);
    go();
  });
  each(root, "[data-worker]", (el) => {
    if ("serviceWorker" in navigator) navigator.serviceWorker.register(el.dataset.worker ?? "").catch(console.warn);
  });
  each(root, "[data-code-from-address]", (el) => {
    // The form of any bin, kept for phones without a network: the bin is the one whose address was asked for.
    const code = decodeURIComponent(/\/at\/([^/]+)\/$/.exec(location.pathname)?.[1] ?? "");
    el.textContent = code;
    const field = document.querySelector<HTMLInputElement>("input[name=bin]");
    if (field) field.value = code;
    const visit = document.querySelector<HTMLInputElement>("input[name=visit]");
    if (visit) visit.value = crypto.randomUUID();
  });
}

async function send(form: HTMLFormElement, event: SubmitEvent): Promise<void> {
  if (event.defaultPrevented) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
    if (answer.redirected) location.assign(answer.url);
    else replace(await answer.text());
  } catch {
    keep(form, data);
  }
}

/** The server's page in the place of this one's content: the form with its faults. */
function replace(html: string): void {
  const main = new DOMParser().parseFromString(html, "text/html").querySelector("main");
  const here = document.querySelector("main");
  if (!main || !here) return location.reload();
  here.replaceWith(main);
  queues(main);
  main.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
}

function keep(form: HTMLFormElement, data: FormData): void {
  const key = form.dataset.queueKey ?? "visit";
  const note: Note = { at: new Date().toISOString() };
  for (const name of new Set(data.keys())) {
    const values = data.getAll(name).filter((v): v is string => typeof v === "string");
    const many = form.querySelectorAll(`[name="${CSS.escape(name)}"][type=checkbox]`).length > 0;
    if (values.length && name !== "csrfmiddlewaretoken") note[name] = many ? values : (values[0] ?? "");
  }
  const waiting = read().filter((w) => w.key !== note[key]);
  waiting.push({ url: form.dataset.queue ?? "", key: String(note[key]), what: form.dataset.queueWhat ?? String(note.bin ?? ""), note });
  if (!write(waiting)) return announce(t("queue_full"), "danger");
  announce(t("queue_kept"));
  for (const el of form.elements) if (el instanceof HTMLButtonElement) el.disabled = true;
  document.querySelectorAll<HTMLElement>("[data-queue-box]").forEach(show);
  document.dispatchEvent(new Event("shaodao:queued"));
}

/** What waits on this phone, and what the server would not take with the reason. */
function show(box: HTMLElement): void {
  const waiting = read();
  box.hidden = waiting.length === 0;
  if (!waiting.length) return;
  const rows = waiting.map((w) => {
    const li = h("li", { class: "list-group-item" }, `${w.what} · ${String(w.note.at).slice(11, 16)}Z${w.fault ? ` · ${w.fault}` : ""}`);
    if (!w.fault) return li;
    const drop = h("button", { type: "button", class: "btn btn-sm ms-2" }, t("queue_drop"));
    drop.addEventListener("click", () => {
      write(read().filter((other) => other.key !== w.key));
      show(box);
    });
    li.append(drop);
    return li;
  });
  box.replaceChildren(h("p", { class: "notice" }, t("queue_waiting", { n: waiting.length })), h("ul", { class: "list-group" }, ...rows));
}

/** Send what waits, by address and in parts; what the server takes is forgotten, what it refuses keeps its reason. */
async function flush(box: HTMLElement, csrf: string): Promise<void> {
  const all = read().filter((w) => !w.fault);
  for (const url of new Set(all.map((w) => w.url))) {
    const mine = all.filter((w) => w.url === url).slice(0, BATCH);
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": csrf },
        body: JSON.stringify(mine.map((w) => w.note)),
      });
      if (!answer.ok) continue; // a key that was withdrawn, a server that restarts: kept
      const said = (await answer.json()) as Record<string, "ok" | Record<string, string>>;
      const left = read().filter((w) => said[w.key] !== "ok");
      for (const w of left) {
        const fault = said[w.key];
        if (fault && fault !== "ok") w.fault = Object.values(fault).join(" ");
      }
      write(left);
    } catch {
      break; // no network after all
    }
  }
  show(box);
}
