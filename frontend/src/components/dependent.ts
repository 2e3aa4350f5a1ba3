// <select data-options-url="/…" data-options-for="condition">: its choice decides what another select offers.
import { announce, each } from "../dom";
import { t } from "../strings";

export function dependent(root: ParentNode): void {
  each<HTMLSelectElement>(root, "select[data-options-url]", (select) => {
    const { optionsUrl = "", optionsFor = "" } = select.dataset;
    const other = select.form?.querySelector<HTMLSelectElement>(`select[name="${CSS.escape(optionsFor)}"]`);
    if (!other) return;
    select.addEventListener("change", () => void refill(`${optionsUrl}?${new URLSearchParams({ [select.name]: select.value }).toString()}`, other));
  });
}

async function refill(url: string, select: HTMLSelectElement): Promise<void> {
  try {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: HTTP ${answer.status}`);
    // Our own server's options: parsed as a document, in which nothing runs.
    const page = new DOMParser().parseFromString(`<select>${await answer.text()}</select>`, "text/html");
    select.replaceChildren(...page.querySelectorAll("option"));
    // Each option that leaves the parsed select makes its neighbour the selected one: without this the last one wins.
    const chosen = [...select.options].findIndex((option) => option.defaultSelected);
    select.selectedIndex = Math.max(0, chosen);
  } catch (error) {
    console.warn(error);
    announce(t("request_failed"), "danger");
  }
}
