// <select data-not-in="supports">: what is chosen here cannot be chosen there as well (the lead is no support).
import type TomSelect from "tom-select/base";

import { each } from "../dom";

type Choosing = HTMLSelectElement & { tomselect?: TomSelect };

export function exclusive(root: ParentNode): void {
  each<HTMLSelectElement>(root, "select[data-not-in]", (select) => {
    const other = select.form?.querySelector<Choosing>(`select[name="${CSS.escape(select.dataset.notIn ?? "")}"]`);
    if (!other) return;
    const apply = () => {
      for (const option of other.options) {
        option.disabled = Boolean(select.value) && option.value === select.value;
        if (option.disabled) option.selected = false;
      }
      if (!other.tomselect) return;
      const { items } = other.tomselect;
      other.tomselect.setValue(items.filter((value) => value !== select.value), true);
      other.tomselect.sync();
    };
    select.addEventListener("change", apply);
    apply();
  });
}
