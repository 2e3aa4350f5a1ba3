// Vite plugin: the Chinese type that PDF files are set in (shaodao/foundation/documents.py), as files with plain names.
// It is no part of any page; the PDF compiler reads TTF, not the WOFF2 that browsers get.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const FACES = { "400Regular": "NotoSansSC_400Regular.ttf", "700Bold": "NotoSansSC_700Bold.ttf" };

export function typeForPaper() {
  const packed = dirname(createRequire(import.meta.url).resolve("@expo-google-fonts/noto-sans-sc/package.json"));
  return {
    name: "shaodao-type-for-paper",
    apply: "build",
    writeBundle({ dir }) {
      const folder = join(dir, "type");
      mkdirSync(folder, { recursive: true });
      for (const [face, file] of Object.entries(FACES)) copyFileSync(join(packed, face, file), join(folder, file));
      copyFileSync(join(packed, "LICENSE_FONT"), join(folder, "LICENSE"));
    },
  };
}
