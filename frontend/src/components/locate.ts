// <input data-locate>: a button beside it writes the device's position as "lon,lat" (WGS-84). Typing by hand works too.
import { announce, each, h, icon } from "../dom";
import { t } from "../strings";

export function locate(root: ParentNode): void {
  each<HTMLInputElement>(root, "input[data-locate]", (input) => {
    if (!("geolocation" in navigator)) return;
    const button = h("button", { type: "button", class: "btn" }, icon("current-location"), t("map_my_position"));
    const line = h("div", { class: "locate-line" });
    input.before(line);
    line.append(input, button);
    button.addEventListener("click", () => {
      button.classList.add("is-sending");
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          button.classList.remove("is-sending");
          input.value = `${coords.longitude.toFixed(6)},${coords.latitude.toFixed(6)}`;
          announce(t("map_position_found", { m: Math.round(coords.accuracy) }));
        },
        () => {
          button.classList.remove("is-sending");
          announce(t("map_no_position"), "danger");
        },
        { enableHighAccuracy: true, timeout: 15_000, maximumAge: 30_000 },
      );
    });
  });
}
