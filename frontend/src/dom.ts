// Small helpers that every component uses.

const done = new WeakMap<Element, Set<string>>();

/** Call `fn` once for each element under `root` (itself included) that matches, however often the page is enhanced. */
export function each<T extends HTMLElement>(root: ParentNode, selector: string, fn: (el: T) => void): void {
  const found = [...root.querySelectorAll<T>(selector)];
  if (root instanceof HTMLElement && root.matches(selector)) found.unshift(root as T);
  for (const el of found) {
    const seen = done.get(el) ?? new Set<string>();
    if (seen.has(selector)) continue;
    done.set(el, seen.add(selector));
    fn(el);
  }
}

/** Make an element; `attributes` with value `false` or `undefined` are left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | undefined> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    el.setAttribute(name, value === true ? "" : value);
  }
  el.append(...children);
  return el;
}

/** An icon of the sprite; the sprite's address is on <html data-icons>. */
export function icon(name: string): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("width", "20");
  svg.setAttribute("height", "20");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.documentElement.dataset.icons ?? ""}#${name}`);
  svg.append(use);
  return svg;
}

/** The JSON in the `json_script` that `selector` names, or undefined. */
export function jsonFrom<T>(selector: string | undefined): T | undefined {
  if (!selector) return undefined;
  const text = document.querySelector(selector)?.textContent;
  return text ? (JSON.parse(text) as T) : undefined;
}

/** Say something to screen readers and, as a toast, to everybody. */
export function announce(text: string, kind: "info" | "danger" = "info"): void {
  const box = document.getElementById("toasts");
  if (!box) return;
  const toast = h("div", { class: `notice notice-${kind}` }, text);
  box.append(toast);
  setTimeout(() => toast.remove(), 6000);
}

/** Call `fn` when the page switches between light and dark. */
export function onTheme(fn: () => void): void {
  new MutationObserver(fn).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}
