// News of cases while a page is open: `<body data-events="…">` is the stream, `[data-live]` a notice that shows itself.
// data-live="" hears of any case, data-live="2026-000123" of that one, and only of versions above data-version.
// Nothing on the page moves by itself, except parts with hx-trigger="shaodao:changed from:body".
interface News {
  number: string;
  version: number;
}
const QUIET_MS = 1500; // several changes at once are one

export function live(): void {
  const url = document.body.dataset.events;
  if (!url || !document.querySelector("[data-live], [hx-trigger*='shaodao:changed']")) return;
  const source = new EventSource(url, { withCredentials: true });
  let waiting: number | undefined;
  const changed = () => {
    waiting ??= window.setTimeout(() => {
      waiting = undefined;
      document.body.dispatchEvent(new CustomEvent("shaodao:changed"));
    }, QUIET_MS);
  };
  source.addEventListener("case", (event) => {
    const news = JSON.parse((event as MessageEvent<string>).data) as News;
    document.querySelectorAll<HTMLElement>("[data-live]").forEach((el) => {
      const wanted = el.dataset.live;
      if (!wanted || (wanted === news.number && news.version > Number(el.dataset.version))) el.hidden = false;
    });
    changed();
  });
  source.addEventListener("reset", changed);
  window.addEventListener("pagehide", () => source.close());
}
