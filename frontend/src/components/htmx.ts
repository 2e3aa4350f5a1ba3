// htmx without eval, inline styles or page copies in the browser's storage (they may hold personal data).
import htmx from "htmx.org";
import { announce } from "../dom";
import { t } from "../strings";

export function htmxSetup(enhance: (root: ParentNode) => void): void {
  Object.assign(htmx.config, {
    allowEval: false,
    allowScriptTags: false,
    includeIndicatorStyles: false,
    selfRequestsOnly: true,
    historyCacheSize: 0,
    refreshOnHistoryMiss: true,
    responseHandling: [
      { code: "204", swap: false },
      { code: "[23]..", swap: true },
      { code: "409", swap: true }, // what somebody else changed meanwhile
      { code: "422", swap: true }, // a form with its errors
      { code: "...", swap: false, error: true },
    ],
  });
  document.addEventListener("htmx:configRequest", (event) => {
    const { headers } = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
    headers["X-CSRFToken"] = csrfToken();
  });
  document.addEventListener("htmx:responseError", () => announce(t("request_failed"), "danger"));
  document.addEventListener("htmx:sendError", () => announce(t("request_offline"), "danger"));
  htmx.onLoad((el) => enhance(el as HTMLElement));
}

export function csrfToken(): string {
  const cookie = /(?:^|;\s*)csrftoken=([^;]+)/.exec(document.cookie);
  return cookie?.[1] ?? document.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content ?? "";
}
