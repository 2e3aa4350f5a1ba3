// Vite plugin: one SVG sprite from the Tabler icons that icons.txt names, one symbol each.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** @param {{list: string}} options file with one icon name a line; `#` starts a comment */
export function iconSprite({ list }) {
  let home = "";
  return {
    name: "shaodao-icon-sprite",
    configResolved({ root }) {
      home = join(root, "node_modules/@tabler/icons/icons");
    },
    buildStart() {
      this.addWatchFile(list);
    },
    generateBundle() {
      const names = readFileSync(list, "utf8")
        .split("\n")
        .map((line) => line.replace(/#.*/, "").trim())
        .filter(Boolean);
      const symbols = [...new Set(names)].sort().map((name) => symbol(home, name));
      const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
      const hash = createHash("sha256").update(sprite).digest("hex").slice(0, 8);
      const fileName = `assets/icons-${hash}.svg`;
      this.emitFile({ type: "asset", fileName, source: sprite });
      this.emitFile({ type: "asset", fileName: "icons.json", source: JSON.stringify({ file: fileName, names }) });
    },
  };
}

/** `name` is an outline icon, `name-filled` its filled twin. */
function symbol(home, name) {
  const filled = name.endsWith("-filled");
  const path = join(home, filled ? "filled" : "outline", `${name.replace(/-filled$/, "")}.svg`);
  if (!existsSync(path)) throw new Error(`icons.txt: "${name}" is not a Tabler icon (see tabler.io/icons)`);
  const body = readFileSync(path, "utf8")
    .replace(/^[\s\S]*?<svg[\s\S]*?>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none"\s*\/>/, "")
    .replace(/\s*\n\s*/g, "");
  const paint = filled
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}
