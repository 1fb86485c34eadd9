import { vi } from "vitest";

// The only browser API that the tested code uses.
vi.stubGlobal("navigator", { languages: ["en-GB"] });
