// A light is a colour *and* a shape: circle, triangle, octagon, pause bars, tick. Drawn once, used by the map and its legend.
import { type Light, palette } from "../palette";

const SIZE = 26;

/** The marker of a light as pixels, `scale` device pixels to a CSS pixel. */
export function shapeImage(light: Light, scale: number): ImageData {
  const canvas = shapeCanvas(light, scale);
  const ctx = canvas.getContext("2d") as CanvasRenderingContext2D;
  return ctx.getImageData(0, 0, canvas.width, canvas.height);
}

export function shapeCanvas(light: Light, scale: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * scale;
  const ctx = canvas.getContext("2d") as CanvasRenderingContext2D;
  const { lights, surface } = palette();
  ctx.scale(scale, scale);
  ctx.lineJoin = "round";
  ctx.lineWidth = 2;
  ctx.strokeStyle = surface;
  ctx.fillStyle = lights[light];
  const outline = outlines[light]();
  ctx.fill(outline);
  ctx.stroke(outline);
  ctx.strokeStyle = surface;
  ctx.lineWidth = 2.4;
  ctx.lineCap = "round";
  ctx.stroke(signs[light]());
  return canvas;
}

function polygon(corners: number, radius: number, turn: number, cy = 13): Path2D {
  const path = new Path2D();
  for (let i = 0; i < corners; i += 1) {
    const angle = turn + (i * 2 * Math.PI) / corners;
    path.lineTo(13 + radius * Math.cos(angle), cy + radius * Math.sin(angle));
  }
  path.closePath();
  return path;
}

function disc(radius: number): Path2D {
  const path = new Path2D();
  path.arc(13, 13, radius, 0, 2 * Math.PI);
  return path;
}

const outlines: Record<Light, () => Path2D> = {
  green: () => disc(9),
  yellow: () => polygon(3, 12, -Math.PI / 2, 15),
  red: () => polygon(8, 11.5, Math.PI / 8),
  paused: () => polygon(4, 12, Math.PI / 4),
  done: () => disc(8),
};

const signs: Record<Light, () => Path2D> = {
  green: () => new Path2D("M13 13h.01"),
  yellow: () => new Path2D("M13 10.5v4M13 18h.01"),
  red: () => new Path2D("M13 8v6M13 18h.01"),
  paused: () => new Path2D("M10.8 9.8v6.4M15.2 9.8v6.4"),
  done: () => new Path2D("M9.6 13.2l2.4 2.4 4.4-4.6"),
};
