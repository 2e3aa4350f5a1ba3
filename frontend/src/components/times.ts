// Times that move on while the page is open: "3 分钟前", "剩 2 小时 5 分钟". The server writes the first text.
import { each } from "../dom";
import { t } from "../strings";

const DAY = 86400;
const UPDATE_MS = 20_000;

export function times(root: ParentNode): void {
  each<HTMLTimeElement>(root, "time[data-relative], time[data-countdown]", (el) => {
    const tick = () => {
      if (!el.isConnected) return clearInterval(timer);
      const seconds = (Date.parse(el.dateTime) - Date.now()) / 1000;
      const text = el.dataset.relative !== undefined ? ago(-seconds) : left(seconds);
      if (text !== undefined) el.textContent = text;
      el.classList.toggle("is-over", el.dataset.countdown !== undefined && seconds < 0);
    };
    const timer = setInterval(tick, UPDATE_MS);
  });
}

/** The two largest units, minutes at least; the twin of `duration` in templatetags/shaodao.py. */
export function duration(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const [d, hours, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  const parts: string[] = [];
  if (d) parts.push(t("days", { n: d }));
  if (hours) parts.push(t("hours", { n: hours }));
  if (m && !d) parts.push(t("minutes", { n: m }));
  return parts.slice(0, 2).join(" ") || t("minutes", { n: 0 });
}

function left(seconds: number): string {
  if (Math.abs(seconds) < 60) return t(seconds < 0 ? "over_moment" : "left_moment");
  return t(seconds < 0 ? "over" : "left", { time: duration(seconds) });
}

/** Undefined after a week: the server's absolute date stays. */
function ago(seconds: number): string | undefined {
  if (seconds < 60) return t("just_now");
  return seconds > 7 * DAY ? undefined : t("ago", { time: duration(seconds) });
}
