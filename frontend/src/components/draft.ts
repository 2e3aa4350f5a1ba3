// Keep a half-written report in this browser. Never contact data, passwords, files or hidden fields.
import { each, h } from "../dom";
import { t } from "../strings";

type Field = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;
const MAX_AGE = 3 * 24 * 3600 * 1000;

export function draft(root: ParentNode): void {
  each<HTMLFormElement>(root, "form[data-draft]", (form) => {
    const key = `shaodao:draft:${form.dataset.draft ?? ""}`;
    // A form that came back with errors carries its own values.
    if (!form.querySelector("[aria-invalid=true]")) restore(form, key);
    form.addEventListener("input", () => save(form, key));
    form.addEventListener("change", () => save(form, key));
    form.addEventListener("submit", (event) => event.defaultPrevented || !navigator.onLine || forget(key));
  });
}

function fields(form: HTMLFormElement): Field[] {
  return ([...form.elements] as Field[]).filter(
    (el) =>
      Boolean(el.name) &&
      el.matches("input, textarea, select") &&
      !["hidden", "file", "password", "submit"].includes(el.type) &&
      el.closest("[data-private]") === null,
  );
}

function save(form: HTMLFormElement, key: string): void {
  const values = fields(form)
    .filter((el) => !(el instanceof HTMLInputElement && ["checkbox", "radio"].includes(el.type) && !el.checked))
    .filter((el) => el.value !== "")
    .map((el) => [el.name, el.value]);
  try {
    if (values.length) localStorage.setItem(key, JSON.stringify({ at: Date.now(), values }));
  } catch {
    // No room or no permission: writing goes on without a draft.
  }
}

function forget(key: string): void {
  try {
    localStorage.removeItem(key);
  } catch {
    // As above.
  }
}

interface Kept {
  at: number;
  values: [string, string][];
}

function read(key: string): Kept | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as Kept | null;
  } catch {
    return null;
  }
}

function restore(form: HTMLFormElement, key: string): void {
  const kept = read(key);
  if (!kept || Date.now() - kept.at > MAX_AGE) return;
  let restored = 0;
  for (const el of fields(form)) {
    const values = kept.values.filter(([name]) => name === el.name).map(([, value]) => value);
    if (!values.length) continue;
    if (el instanceof HTMLInputElement && ["checkbox", "radio"].includes(el.type)) el.checked = values.includes(el.value);
    else if (!el.value) el.value = values[0] ?? "";
    else continue;
    el.dispatchEvent(new Event("change", { bubbles: true }));
    restored += 1;
  }
  if (restored) form.prepend(notice(form, key));
}

function notice(form: HTMLFormElement, key: string): HTMLElement {
  const clear = h("button", { type: "button", class: "btn btn-sm" }, t("draft_clear"));
  const box = h("div", { class: "notice notice-info", role: "status" }, t("draft_restored"), clear);
  clear.addEventListener("click", () => {
    for (const el of fields(form)) {
      if (el instanceof HTMLInputElement && ["checkbox", "radio"].includes(el.type)) el.checked = el.defaultChecked;
      else if (el instanceof HTMLSelectElement) el.selectedIndex = 0;
      else el.value = el.defaultValue;
    }
    forget(key);
    box.remove();
  });
  return box;
}
