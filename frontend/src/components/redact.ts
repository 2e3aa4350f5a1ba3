// <div data-redact="#textarea"><img></div>: drag rectangles over faces and plates; they are written as lines
// "x,y,w,h" in percent into the textarea, which stays the truth and works without a mouse.
import { each, h } from "../dom";
import { t } from "../strings";

type Box = [number, number, number, number];
const SMALLEST = 0.8; // percent: less is a click, not a rectangle

export function redact(root: ParentNode): void {
  each<HTMLElement>(root, "[data-redact]", (stage) => {
    const text = document.querySelector<HTMLTextAreaElement>(stage.dataset.redact ?? "");
    if (!text) return;
    const draw = () => show(stage, read(text.value), (index) => {
      text.value = write(read(text.value).filter((_box, at) => at !== index));
      draw();
    });
    text.addEventListener("input", draw);
    stage.addEventListener("pointerdown", (event) => drag(stage, event, (box) => {
      text.value = write([...read(text.value), box]);
      draw();
    }));
    draw();
  });
}

function read(text: string): Box[] {
  return text
    .split("\n")
    .map((line) => line.split(/[,，]/).map(Number))
    .filter((parts): parts is Box => parts.length === 4 && parts.every(Number.isFinite));
}

function write(boxes: Box[]): string {
  return boxes.map((box) => box.map((value) => Number(value.toFixed(1))).join(",")).join("\n");
}

function place(el: HTMLElement, [x, y, w, height]: Box): void {
  Object.assign(el.style, { left: `${x}%`, top: `${y}%`, width: `${w}%`, height: `${height}%` });
}

function show(stage: HTMLElement, boxes: Box[], remove: (index: number) => void): void {
  for (const old of stage.querySelectorAll(".redact-box")) old.remove();
  boxes.forEach((box, index) => {
    const el = h("button", { type: "button", class: "redact-box", "aria-label": t("redact_remove"), title: t("redact_remove") });
    place(el, box);
    el.addEventListener("pointerdown", (event) => event.stopPropagation());
    el.addEventListener("click", () => remove(index));
    stage.append(el);
  });
}

function drag(stage: HTMLElement, start: PointerEvent, done: (box: Box) => void): void {
  start.preventDefault();
  const frame = stage.getBoundingClientRect();
  const at = (event: PointerEvent): [number, number] => [
    Math.min(100, Math.max(0, (100 * (event.clientX - frame.left)) / frame.width)),
    Math.min(100, Math.max(0, (100 * (event.clientY - frame.top)) / frame.height)),
  ];
  const [x0, y0] = at(start);
  const ghost = h("span", { class: "redact-ghost" });
  stage.append(ghost);
  const box = (event: PointerEvent): Box => {
    const [x, y] = at(event);
    return [Math.min(x, x0), Math.min(y, y0), Math.abs(x - x0), Math.abs(y - y0)];
  };
  const move = (event: PointerEvent) => place(ghost, box(event));
  const end = (event: PointerEvent) => {
    stage.removeEventListener("pointermove", move);
    ghost.remove();
    const found = box(event);
    if (found[2] > SMALLEST && found[3] > SMALLEST) done(found);
  };
  stage.setPointerCapture(start.pointerId);
  stage.addEventListener("pointermove", move);
  stage.addEventListener("pointerup", end, { once: true });
}
