// One bundle for all pages. Names carry a content hash; `manifest.json` tells Django which file is which
// (shaodao/foundation/templatetags/shaodao.py reads it), `icons.json` which icons the sprite holds.
import { defineConfig } from "vite";
import { compressed } from "./build/compress.js";
import { iconSprite } from "./build/icons.js";
import { typeForPaper } from "./build/type.js";

export default defineConfig({
  base: "./", // chunks find each other relative to themselves: STATIC_URL may be anything
  publicDir: false,
  plugins: [iconSprite({ list: "icons.txt" }), compressed(), typeForPaper()],
  build: {
    outDir: "../shaodao/static/build",
    emptyOutDir: true,
    manifest: "manifest.json",
    assetsDir: "assets",
    assetsInlineLimit: 0, // keep fonts and images out of the CSS
    sourcemap: false,
    chunkSizeWarningLimit: 1200, // MapLibre is one large lazy chunk
    rollupOptions: { input: { main: "src/main.ts", worker: "src/worker.ts" } },
  },
  worker: { format: "es" },
});
