// <ol data-trip>: the crew's steps. What is noted without a network (queue.ts) is marked at once and the next step opens;
// so it is when a page that was kept is opened again.
import { each } from "../dom";
import { t } from "../strings";
import { waitingKeys } from "./queue";

export function trips(root: ParentNode): void {
  each(root, "[data-trip]", (list) => {
    mark(list);
    document.addEventListener("shaodao:queued", () => mark(list));
  });
}

function mark(list: HTMLElement): void {
  const legs = waitingKeys("leg");
  if (!legs.size) return;
  for (const step of list.querySelectorAll("li")) {
    const leg = step.querySelector<HTMLInputElement>("input[name=leg]")?.value ?? "";
    if (!legs.has(leg)) continue;
    const said = step.querySelector("[data-said]");
    if (said) said.textContent = t("queue_noted");
    step.classList.add("is-said");
    step.querySelector("details")?.removeAttribute("open");
    for (let li = list.firstElementChild; li && li !== step && !li.querySelector("details"); li = list.firstElementChild) list.append(li);
    list.append(step); // what is over stands below, with the filling or break before it
  }
  const next = [...list.querySelectorAll<HTMLElement>("li:not(.is-said)")].find((li) => li.querySelector("details"));
  for (const li of list.querySelectorAll("li.is-next")) {
    li.classList.remove("is-next");
    li.removeAttribute("aria-current");
  }
  const over = document.querySelector<HTMLElement>("[data-trip-over]");
  if (over) over.hidden = next !== undefined;
  if (!next) return;
  next.classList.add("is-next");
  next.setAttribute("aria-current", "step");
  next.querySelector("details")?.setAttribute("open", "");
  next.querySelector<HTMLElement>("summary")?.focus();
}
