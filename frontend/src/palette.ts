// Colours for canvases (map, charts), which cannot read CSS variables. The same values as styles/tokens.css.
export type Light = "green" | "yellow" | "red" | "paused" | "done";
export const LIGHTS: Light[] = ["red", "yellow", "green", "paused", "done"];

export interface Palette {
  lights: Record<Light, string>;
  primary: string;
  text: string;
  muted: string;
  line: string;
  surface: string;
  land: string;
  series: string[];
}

const day: Palette = {
  lights: { green: "#18794e", yellow: "#d98200", red: "#c62828", paused: "#5f6b7a", done: "#3b6ea8" },
  primary: "#0b5cad",
  text: "#1f2933",
  muted: "#52606d",
  line: "#d5dce4",
  surface: "#ffffff",
  land: "#eef2f6",
  series: ["#0b5cad", "#2a9d8f", "#d98200", "#8e5bb5", "#c62828", "#5f6b7a", "#6a994e", "#b5651d"],
};

const night: Palette = {
  lights: { green: "#4cc38a", yellow: "#ffb74d", red: "#ff7b72", paused: "#9aa7b5", done: "#7fb2ea" },
  primary: "#6cb0f5",
  text: "#e6ebf0",
  muted: "#a3b0bd",
  line: "#3a4756",
  surface: "#17202a",
  land: "#1d2833",
  series: ["#6cb0f5", "#5cc9bb", "#ffb74d", "#c39be0", "#ff7b72", "#9aa7b5", "#a3cf84", "#dba06a"],
};

export function isDark(): boolean {
  return document.documentElement.dataset.bsTheme === "dark";
}

export function palette(): Palette {
  return isDark() ? night : day;
}
