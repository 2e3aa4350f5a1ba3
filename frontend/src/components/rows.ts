// Keys for tables of cases: j/k move, Enter opens, x selects, / searches, ? explains.
import { each, h } from "../dom";
import { t } from "../strings";

export function rows(root: ParentNode): void {
  each<HTMLTableElement>(root, "table[data-rows]", (table) => {
    table.addEventListener("click", (event) => {
      const target = event.target as HTMLElement;
      const row = target.closest<HTMLTableRowElement>("tr[data-href]");
      const meant = !target.closest("a, button, input, label, select, summary") && !getSelection()?.toString();
      if (row?.dataset.href && meant) open(row.dataset.href, event.ctrlKey || event.metaKey);
    });
  });
  if (root === document) document.addEventListener("keydown", onKey);
}

function open(href: string, newTab: boolean): void {
  if (newTab) window.open(href, "_blank", "noopener");
  else window.location.assign(href);
}

function onKey(event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  const typing = target.matches("input:not([type=checkbox]), textarea, select, [contenteditable], .maplibregl-canvas");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "/") {
    const search = document.querySelector<HTMLInputElement>("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  } else if (event.key === "?") help();
  else moveOrAct(event);
}

function moveOrAct(event: KeyboardEvent): void {
  const all = [...document.querySelectorAll<HTMLTableRowElement>("table[data-rows] tr[data-href]")];
  if (!all.length) return;
  const at = all.findIndex((row) => row.classList.contains("row-current"));
  const current = all[at];
  if (event.key === "j") mark(all, Math.min(at + 1, all.length - 1));
  else if (event.key === "k") mark(all, Math.max(at - 1, 0));
  else if (event.key === "x") current?.querySelector<HTMLInputElement>("input[type=checkbox]")?.click();
  else if (event.key === "Enter" && event.target === current && current?.dataset.href) open(current.dataset.href, false);
}

function mark(all: HTMLTableRowElement[], at: number): void {
  for (const row of all) row.classList.remove("row-current");
  const row = all[at];
  if (!row) return;
  row.classList.add("row-current");
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function help(): void {
  const keys: [string, string][] = [
    ["j / k", t("key_move")],
    ["Enter", t("key_open")],
    ["x", t("key_select")],
    ["/", t("key_search")],
    ["?", t("key_help")],
  ];
  const list = h("dl", { class: "keys" });
  for (const [key, text] of keys) list.append(h("dt", {}, h("kbd", {}, key)), h("dd", {}, text));
  const close = h("button", { class: "btn", autofocus: true }, t("close"));
  const title = h("h2", { class: "dialog-title", id: "keys-title" }, t("key_title"));
  const form = h("form", { method: "dialog" }, title, list, h("div", { class: "dialog-buttons" }, close));
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "keys-title" }, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
