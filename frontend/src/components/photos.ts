// Several photos on one file input: preview, size, remove; what is too large is made smaller here, before it is sent.
// The browser still sends the plain input. What could not be taken is named beside it until something else is chosen.
import { each, h, icon } from "../dom";
import { t } from "../strings";
import { type Limits, fit } from "./shrink";

interface Chosen {
  source: File; // as it was picked: choosing it again adds nothing
  file: File; // as it is sent
}

export function photos(root: ParentNode): void {
  each<HTMLInputElement>(root, "input[type=file][data-photos]", (input) => new Picker(input));
}

class Picker {
  private chosen: Chosen[] = [];
  private readonly list = h("ul", { class: "photo-grid", "aria-label": t("photos_chosen") });
  private readonly faults = h("ul", { class: "photo-faults", role: "alert" });
  private readonly busy = h("p", { class: "field-help", role: "status" });
  private work: Promise<void> | undefined;

  constructor(private readonly input: HTMLInputElement) {
    input.after(this.busy, this.faults, this.list);
    // Choosing again adds: a phone's camera gives one picture at a time.
    input.addEventListener("change", () => {
      const fresh = [...(input.files ?? [])].filter((file) => !this.chosen.some((old) => old.source === file || same(old.source, file)));
      this.put();
      const work = (this.work ?? Promise.resolve()).then(() => this.admit(fresh));
      this.work = work;
      void work.finally(() => this.work === work && (this.work = undefined));
    });
    // Before the guard against double sending: a form that waits for its photos is not yet sent.
    input.form?.addEventListener("submit", (event) => this.wait(event), { capture: true });
  }

  private wait(event: SubmitEvent): void {
    const { form } = this.input;
    if (!this.work || !form) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    void this.work.then(() => form.requestSubmit(event.submitter));
  }

  private async admit(fresh: File[]): Promise<void> {
    const { max = "6", maxMb = "10", maxMp = "64", maxSide = "4096" } = this.input.dataset;
    const limits: Limits = { bytes: Number(maxMb) * 1_000_000, pixels: Number(maxMp) * 1_000_000, side: Number(maxSide) };
    const faults: string[] = [];
    for (const [index, source] of fresh.entries()) {
      if (this.chosen.length >= Number(max)) {
        faults.push(t("photo_too_many", { n: max, names: fresh.slice(index).map((file) => file.name).join(", ") }));
        break;
      }
      const file = await fit(source, limits, () => (this.busy.textContent = t("photo_shrinking", { name: source.name })));
      if (file) this.chosen.push({ source, file });
      else faults.push(t("photo_too_big", { name: source.name, size: megabytes(source), mb: maxMb }));
    }
    this.busy.textContent = "";
    this.faults.replaceChildren(...faults.map((text) => h("li", {}, icon("alert-octagon"), text)));
    this.put();
  }

  private put(): void {
    const transfer = new DataTransfer();
    for (const { file } of this.chosen) transfer.items.add(file);
    this.input.files = transfer.files;
    this.list.replaceChildren(...this.chosen.map((one) => this.tile(one)));
  }

  private tile(one: Chosen): HTMLLIElement {
    const { file, source } = one;
    const button = h("button", { type: "button", class: "photo-remove", "aria-label": t("photo_remove", { name: source.name }) });
    button.append(icon("x"));
    button.addEventListener("click", () => {
      this.chosen = this.chosen.filter((other) => other !== one);
      this.put();
      this.input.focus();
    });
    const url = URL.createObjectURL(file);
    const image = h("img", { src: url, alt: source.name });
    image.addEventListener("load", () => URL.revokeObjectURL(url));
    // HEIC: most browsers cannot draw it, the server can.
    image.addEventListener("error", () => image.replaceWith(h("span", { class: "photo-name" }, source.name)));
    const size = file === source ? megabytes(file) : t("photo_shrunk", { from: megabytes(source), to: megabytes(file) });
    return h("li", { class: "photo" }, image, h("span", { class: "photo-size text-number" }, size), button);
  }
}

function same(a: File, b: File): boolean {
  return a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;
}

function megabytes({ size }: File): string {
  return size < 100_000 ? `${Math.ceil(size / 1000)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}
