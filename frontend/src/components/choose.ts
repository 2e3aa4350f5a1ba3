// <select data-choose>: long lists (categories, units) searched by typing. The plain select stays the truth.
import TomSelect from "tom-select/base";
import removeButton from "tom-select/plugins/remove_button/plugin.js";

import { h } from "../dom";
import { t } from "../strings";

TomSelect.define("remove_button", removeButton);

export function choose(select: HTMLSelectElement): void {
  new TomSelect(select, {
    maxOptions: undefined,
    refreshThrottle: 0, // or a quick Enter takes what stood there before the list was filtered
    lockOptgroupOrder: true,
    hidePlaceholder: true,
    placeholder: t("choose_search"),
    plugins: select.multiple ? { remove_button: { title: t("choose_remove") } } : {},
    onItemAdd(this: TomSelect) {
      this.setTextboxValue("");
      this.refreshOptions(false);
    },
    render: { no_results: () => h("div", { class: "no-results" }, t("choose_none")) },
  });
}
