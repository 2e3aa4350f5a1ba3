// Copy and print buttons.
import { announce, each } from "../dom";
import { t } from "../strings";

export function copy(root: ParentNode): void {
  each<HTMLButtonElement>(root, "[data-copy], [data-copy-from]", (button) => {
    button.addEventListener("click", async () => {
      const { copy: text, copyFrom } = button.dataset;
      await navigator.clipboard.writeText(text ?? document.querySelector(copyFrom ?? "")?.textContent?.trim() ?? "");
      announce(t("copied"));
    });
  });
  each<HTMLButtonElement>(root, "[data-print]", (button) => button.addEventListener("click", () => window.print()));
}
