// data-confirm on a form or a submit button: ask first, in a dialog that says what will happen. Also serves hx-confirm.
import { h } from "../dom";
import { t } from "../strings";

export function confirmation(): void {
  const agreed = new WeakSet<HTMLFormElement>();
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      const button = (event as SubmitEvent).submitter as HTMLElement | null;
      const asker = button?.dataset.confirm !== undefined ? button : form;
      const question = asker.dataset.confirm;
      if (question === undefined || agreed.delete(form)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      void ask(question, asker).then((yes) => {
        if (!yes) return;
        agreed.add(form);
        form.requestSubmit(button);
      });
    },
    true,
  );
  document.addEventListener("htmx:confirm", (event) => {
    const { question, issueRequest } = (event as CustomEvent<{ question?: string; issueRequest: (skip: boolean) => void }>)
      .detail;
    if (!question) return;
    event.preventDefault();
    void ask(question, event.target as HTMLElement).then((yes) => yes && issueRequest(true));
  });
}

/** Ask in a modal dialog on behalf of `asker`; resolves to whether the answer was yes. Escape and a click outside are a no. */
export function ask(question: string, asker: HTMLElement): Promise<boolean> {
  const { confirmTitle, confirmButton } = asker.dataset;
  const danger = asker.matches(".btn-danger, .btn-outline-danger") || asker.querySelector(".btn-danger, .btn-outline-danger");
  const title = h("h2", { class: "dialog-title", id: "confirm-title" }, confirmTitle ?? t("confirm_title"));
  const yes = h("button", { class: danger ? "btn btn-danger" : "btn btn-primary", value: "yes" }, confirmButton ?? t("confirm_yes"));
  const no = h("button", { class: "btn", value: "no", autofocus: true }, t("confirm_no"));
  const dialog = h(
    "dialog",
    { class: "dialog", "aria-labelledby": "confirm-title" },
    h("form", { method: "dialog" }, title, h("p", {}, question), h("div", { class: "dialog-buttons" }, no, yes)),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close("no"));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}
