import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** Where the dev server finds a gateway; `npm run dev` beside a running `./run up`. */
const gateway = process.env.GATEWAY ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // A strict CSP allows neither inline modules nor the polyfill that would load them.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // The charts are one large library, loaded after the first view.
    chunkSizeWarningLimit: 1800,
  },
  server: { proxy: { "/v1": gateway } },
  test: { include: ["tests/**/*.test.ts"], setupFiles: ["tests/browser.ts"], environment: "node" },
});
