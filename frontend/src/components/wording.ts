// <select data-wording="reason">: the chosen text is written into that field of the form, where it can be changed.
import { each } from "../dom";

export function wordings(root: ParentNode): void {
  each<HTMLSelectElement>(root, "select[data-wording]", (select) => {
    const field = select.form?.querySelector<HTMLTextAreaElement>(`textarea[name="${CSS.escape(select.dataset.wording ?? "")}"]`);
    if (!field) return;
    let last = ""; // what stands there untouched may be replaced; what somebody wrote stays, the text goes before it
    select.addEventListener("change", () => {
      const text = select.selectedOptions[0]?.dataset.text ?? "";
      const own = field.value.startsWith(last) ? field.value.slice(last.length) : field.value;
      field.value = text + (own && text && !text.endsWith("：") && !own.startsWith("\n") ? `\n${own}` : own);
      last = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
    });
  });
}
