// Vite plugin: a .br and a .gz beside every text file of the build, so that the server sends them without work.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXT = new Set([".js", ".css", ".svg", ".json"]);
const SMALL = 1024; // not worth a second file

export function compressed() {
  return {
    name: "shaodao-compressed",
    apply: "build",
    writeBundle({ dir }) {
      for (const file of readdirSync(dir, { recursive: true })) {
        const path = join(dir, file);
        if (!TEXT.has(extname(path))) continue;
        const content = readFileSync(path);
        if (content.length < SMALL) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
      }
    },
  };
}
