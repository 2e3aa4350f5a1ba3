// Loaded only where it is needed, see fonts.ts.
import "@fontsource-variable/noto-sans-sc/wght.css";
