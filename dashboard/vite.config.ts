import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** The server that the dev server forwards API requests to; by default a local `./run up`. */
const gateway = process.env.GATEWAY ?? "http://127.0.0.1:8000";

/** Its package names only the development build, which adds warnings. */
const router = fileURLToPath(new URL("node_modules/react-router/dist/production/index.mjs", import.meta.url));

/**
 * What antd's components include and nothing here uses: a tree, a menu and radios for a table's column filters, radios
 * to select rows, and dialogs of App (views use `Modal.useModal`, so that the first view needs no dialog).
 */
const UNUSED = {
  "/antd/es/table/hooks/useFilter/FilterDropdown.js": () =>
    "export const flattenKeys = () => []; export default () => null;",
  "/antd/es/table/hooks/useSelection.js": (code: string) =>
    replaceImport(code, "import Radio from '../../radio';", "const Radio = () => null;"),
  "/antd/es/app/App.js": (code: string) =>
    replaceImport(code, "import useModal from '../modal/useModal';", "const useModal = () => [{}, null];"),
};

function replaceImport(code: string, statement: string, replacement: string): string {
  if (!code.includes(statement)) throw new Error(`antd has changed: ${statement}`);
  return code.replace(statement, replacement);
}

const withoutUnusedParts: Plugin = {
  name: "without-unused-parts",
  transform: (code, id) => Object.entries(UNUSED).find(([file]) => id.endsWith(file))?.[1](code),
};

export default defineConfig({
  plugins: [react(), withoutUnusedParts],
  build: {
    target: "es2022",
    // The content security policy forbids inline modules, and so the polyfill that would load them.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    // The chart library is one large chunk, loaded after the first view.
    chunkSizeWarningLimit: 1800,
  },
  resolve: { alias: [{ find: /^react-router$/, replacement: router }] },
  server: { proxy: { "/v1": gateway } },
  test: { include: ["tests/**/*.test.ts"], setupFiles: ["tests/browser.ts"], environment: "node" },
});
