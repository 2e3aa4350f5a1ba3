// Several photos on one file input: preview, size, remove. The browser still sends the plain input.
import { announce, each, h, icon } from "../dom";
import { t } from "../strings";

export function photos(root: ParentNode): void {
  each<HTMLInputElement>(root, "input[type=file][data-photos]", (input) => {
    const list = h("ul", { class: "photo-grid", "aria-label": t("photos_chosen") });
    input.after(list);
    let chosen: File[] = [];
    input.addEventListener("change", () => {
      // Choosing again adds: a phone's camera gives one picture at a time.
      const fresh = [...(input.files ?? [])].filter((file) => !chosen.some((old) => same(old, file)));
      chosen = admit(input, chosen, fresh);
      draw();
    });
    const draw = () => {
      const transfer = new DataTransfer();
      for (const file of chosen) transfer.items.add(file);
      input.files = transfer.files;
      list.replaceChildren(...chosen.map((file) => tile(file, () => {
        chosen = chosen.filter((other) => other !== file);
        draw();
        input.focus();
      })));
    };
  });
}

function same(a: File, b: File): boolean {
  return a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
}

function admit(input: HTMLInputElement, chosen: File[], fresh: File[]): File[] {
  const most = Number(input.dataset.max ?? 6);
  const bytes = Number(input.dataset.maxMb ?? 10) * 1_000_000;
  const small = fresh.filter((file) => file.size <= bytes);
  if (small.length < fresh.length) announce(t("photo_too_big", { mb: bytes / 1_000_000 }), "danger");
  const all = [...chosen, ...small];
  if (all.length > most) announce(t("photo_too_many", { n: most }), "danger");
  return all.slice(0, most);
}

function tile(file: File, remove: () => void): HTMLLIElement {
  const size = file.size < 100_000 ? `${Math.ceil(file.size / 1000)} kB` : `${(file.size / 1_000_000).toFixed(1)} MB`;
  const button = h("button", { type: "button", class: "photo-remove", "aria-label": t("photo_remove", { name: file.name }) });
  button.append(icon("x"));
  button.addEventListener("click", remove);
  const url = URL.createObjectURL(file);
  const image = h("img", { src: url, alt: file.name });
  image.addEventListener("load", () => URL.revokeObjectURL(url));
  // HEIC: most browsers cannot draw it, the server can.
  image.addEventListener("error", () => image.replaceWith(h("span", { class: "photo-name" }, file.name)));
  return h("li", { class: "photo" }, image, h("span", { class: "photo-size text-number" }, size), button);
}
