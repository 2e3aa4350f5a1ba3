// Select-all with a count; the actions are dead until something is chosen.
import { each } from "../dom";
import { t } from "../strings";

export function bulk(root: ParentNode): void {
  each<HTMLFormElement>(root, "form[data-bulk]", (form) => {
    const items = () => [...form.querySelectorAll<HTMLInputElement>("[data-bulk-item]:enabled")];
    const refresh = () => {
      const all = items();
      const chosen = all.filter((item) => item.checked).length;
      for (const box of form.querySelectorAll<HTMLInputElement>("[data-bulk-all]")) {
        box.checked = chosen > 0 && chosen === all.length;
        box.indeterminate = chosen > 0 && chosen < all.length;
      }
      for (const count of form.querySelectorAll("[data-bulk-count]")) count.textContent = t("chosen", { n: chosen });
      for (const action of form.querySelectorAll<HTMLButtonElement>("[data-bulk-action]")) action.disabled = chosen === 0;
      for (const bar of form.querySelectorAll<HTMLElement>("[data-bulk-bar]")) bar.hidden = chosen === 0;
      for (const item of all) item.closest("tr")?.classList.toggle("row-chosen", item.checked);
    };
    form.addEventListener("change", (event) => {
      const box = event.target as HTMLInputElement;
      if (box.matches("[data-bulk-all]")) for (const item of items()) item.checked = box.checked;
      refresh();
    });
    window.addEventListener("pageshow", refresh);
    refresh();
  });
}
