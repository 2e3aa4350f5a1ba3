// <div data-chart data-options="#id">: an ECharts option as JSON, with our colours, fonts and manners added.
import { BarChart, HeatmapChart, LineChart, PieChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkLineComponent,
  TitleComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { type ECharts, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

import { jsonFrom, onTheme } from "../dom";
import { FONT, fontsFor } from "../fonts";
import { type Palette, palette } from "../palette";

use([
  BarChart, LineChart, PieChart, HeatmapChart, CanvasRenderer, AriaComponent, DatasetComponent, GridComponent,
  LegendComponent, MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent,
]);

type Json = null | string | number | boolean | Json[] | { [key: string]: Json };
type Option = { [key: string]: Json };

export async function show(el: HTMLElement): Promise<void> {
  const option = jsonFrom<Option>(el.dataset.options);
  if (!option) throw new Error(`data-chart: ${el.dataset.options ?? "data-options"} holds no JSON`);
  el.setAttribute("role", "img");
  if (el.dataset.label) el.setAttribute("aria-label", el.dataset.label);
  await fontsFor(JSON.stringify(option));
  let chart = await draw(el, option);
  new ResizeObserver(() => chart.resize()).observe(el);
  onTheme(() => {
    chart.dispose();
    void draw(el, option).then((fresh) => (chart = fresh));
  });
}

async function draw(el: HTMLElement, option: Option): Promise<ECharts> {
  const colours = palette();
  const chart = init(el);
  const drawn = new Promise<void>((resolve) => chart.on("finished", () => resolve()));
  chart.setOption(dress(named(option, colours) as Option, colours, el.clientWidth));
  chart.on("click", ({ data }) => {
    // A number leads to the cases behind it.
    const url = (data as { url?: unknown } | null)?.url;
    if (typeof url === "string") window.location.assign(url);
  });
  await drawn;
  el.dataset.ready = "1";
  return chart;
}

/** Replace our colour names in `color` and `borderColor`. */
function named(value: Json, colours: Palette, key = ""): Json {
  if (Array.isArray(value)) return value.map((item) => named(item, colours, key));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, named(item, colours, name)]));
  }
  if (typeof value !== "string" || !/color$/i.test(key)) return value;
  const names: Record<string, string> = { ...colours.lights, primary: colours.primary, muted: colours.muted, text: colours.text, line: colours.line };
  return names[value] ?? value;
}

function dress(option: Option, colours: Palette, width: number): Option {
  const text = { color: colours.text, fontFamily: FONT };
  const axis = (given: Json | undefined): Json | undefined => {
    if (Array.isArray(given)) return given.map((one) => axis(one) ?? null);
    if (given === undefined || given === null || typeof given !== "object") return given;
    return {
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      splitLine: { show: given.type === "value" || given.type === undefined, lineStyle: { color: colours.line, type: "dashed" } },
      nameTextStyle: { color: colours.muted },
      ...given,
      axisLabel: { color: colours.muted, fontFamily: FONT, hideOverlap: true, ...(given.axisLabel as Option | undefined) },
    };
  };
  const { xAxis, yAxis, tooltip, legend, grid, ...rest } = option;
  const cartesian = xAxis !== undefined || yAxis !== undefined;
  const full: Option = {
    animationDuration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300,
    color: colours.series,
    textStyle: text,
    aria: { enabled: true, decal: { show: false } },
    ...rest,
    // Rich text is drawn on the canvas; the HTML tooltip would need inline styles, which the CSP forbids.
    tooltip: { trigger: cartesian ? "axis" : "item", backgroundColor: colours.surface, borderColor: colours.line, textStyle: text, confine: true, ...(tooltip as Option | undefined), renderMode: "richText" },
    legend: { textStyle: text, type: "scroll", bottom: 0, icon: "roundRect", itemWidth: 14, itemHeight: 10, pageIconColor: colours.muted, pageTextStyle: text, ...(legend as Option | undefined) },
  };
  if (cartesian) {
    full.grid = { left: 8, right: width < 400 ? 8 : 20, top: 28, bottom: legend === null || (legend as Option | undefined)?.show === false ? 8 : 36, containLabel: true, ...(grid as Option | undefined) };
    full.xAxis = axis(xAxis ?? {}) ?? null;
    full.yAxis = axis(yAxis ?? {}) ?? null;
  } else if (grid !== undefined) full.grid = grid;
  return full;
}
