import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Where the dev server finds a gateway; `npm run dev` beside a running `./run up`. */
const gateway = process.env.GATEWAY ?? "http://127.0.0.1:8000";

/** antd's Table brings a tree, a menu and radios for column filters, which no list here has. */
const withoutColumnFilters: Plugin = {
  name: "without-column-filters",
  load: (id) =>
    id.endsWith("/antd/es/table/hooks/useFilter/FilterDropdown.js")
      ? "export const flattenKeys = () => []; export default () => null;"
      : null,
};

export default defineConfig({
  plugins: [react(), withoutColumnFilters],
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
