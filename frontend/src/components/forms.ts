// A form is sent once; filters may send themselves; the first field with an error gets the focus.
import { each } from "../dom";

export function forms(root: ParentNode): void {
  each<HTMLFormElement>(root, "form[method=post]:not([hx-post])", sendOnce);
  each<HTMLSelectElement>(root, "[data-autosubmit]", (el) => {
    el.addEventListener("change", () => el.form?.requestSubmit());
  });
  const summary = root.querySelector<HTMLElement>("[data-error-summary]");
  summary?.focus();
}

function sendOnce(form: HTMLFormElement): void {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    const button = (event as SubmitEvent).submitter;
    form.setAttribute("aria-busy", "true");
    // After the browser has collected the fields, or the button's own value would be lost.
    setTimeout(() => button?.classList.add("is-sending"));
  });
  window.addEventListener("pageshow", () => {
    sent = false;
    form.removeAttribute("aria-busy");
    form.querySelector(".is-sending")?.classList.remove("is-sending");
  });
}
