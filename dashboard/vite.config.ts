import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The server that the dev server forwards API requests to; by default a local `./run up`. */
const gateway = process.env.GATEWAY ?? "http://127.0.0.1:8000";

/** antd's Table includes a tree, a menu and radios for column filters, which no list here uses. */
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
    // The content security policy forbids inline modules, and so the polyfill that would load them.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // The chart library is one large chunk, loaded after the first view.
    chunkSizeWarningLimit: 1800,
  },
  server: { proxy: { "/v1": gateway } },
  test: { include: ["tests/**/*.test.ts"], setupFiles: ["tests/browser.ts"], environment: "node" },
});
