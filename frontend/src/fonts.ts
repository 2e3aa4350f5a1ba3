// Chinese comes from the reader's own fonts. A machine without any (a bare server that takes screenshots, a kiosk)
// would show empty boxes: it gets Noto Sans SC from us, in the parts that the page needs.
const SYSTEM =
  'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", sans-serif';
const OURS = '"Noto Sans SC Variable"';

const missing = !hasChineseFont();
const loaded = missing ? import("./noto").then(() => document.documentElement.classList.add("own-font")) : undefined;

/** The font stack for canvases (map labels, charts); pages take theirs from styles/tokens.css. */
export const FONT = missing ? `${OURS}, ${SYSTEM}` : SYSTEM;

/** Resolves when `text` can be drawn on a canvas, which draws a glyph only once; at once where there is a Chinese font. */
export async function fontsFor(text: string): Promise<void> {
  if (!missing) return;
  await loaded;
  const letters = [...new Set(text)].join("");
  if (letters) await Promise.all(["400", "600"].map((weight) => document.fonts.load(`${weight} 16px ${OURS}`, letters)));
}

/** Without a font every ideograph is drawn as the same empty box. */
function hasChineseFont(): boolean {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 24;
  const ctx = canvas.getContext("2d", { willReadFrequently: true });
  if (!ctx) return true;
  const draw = (letter: string): string => {
    ctx.clearRect(0, 0, 24, 24);
    ctx.font = `20px ${SYSTEM}`;
    ctx.fillText(letter, 2, 20);
    return ctx.getImageData(0, 0, 24, 24).data.join();
  };
  return draw("永") !== draw("国");
}
