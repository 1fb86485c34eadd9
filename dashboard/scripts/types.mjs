/**
 * Generate `src/api/generated.ts` from `openapi.json`; with `--check`, only fail if it is out of date.
 *
 * Descriptions and examples are left out, so that the file changes only when a type does.
 */
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const SOURCE = new URL("../openapi.json", import.meta.url);
const TARGET = new URL("../src/api/generated.ts", import.meta.url);
const TEXTS = new Set(["description", "summary", "title"]);
const HEADER = "// Generated from openapi.json by `npm run types`. Do not edit.\n\n";

function withoutDocumentation(value) {
  if (Array.isArray(value)) return value.map(withoutDocumentation);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key, entry]) => !isDocumentation(key, entry));
  return Object.fromEntries(entries.map(([key, entry]) => [key, withoutDocumentation(entry)]));
}

/** A schema's property may be called `title` too; its value is then an object. */
function isDocumentation(key, value) {
  return key === "example" || key === "examples" || (TEXTS.has(key) && typeof value === "string");
}

const document = withoutDocumentation(JSON.parse(await readFile(SOURCE, "utf8")));
// The OpenAPI specification requires a title, and a description of each response.
document.info.title = "Perdure";
for (const operations of Object.values(document.paths))
  for (const operation of Object.values(operations))
    for (const response of Object.values(operation.responses ?? {})) response.description = "";
const types = HEADER + astToString(await openapiTS(document, { alphabetize: true }));
if (!process.argv.includes("--check")) await writeFile(TARGET, types);
else if (types !== (await readFile(TARGET, "utf8").catch(() => ""))) {
  process.stderr.write("src/api/generated.ts is out of date: run `npm run types`\n");
  process.exitCode = 1;
}
