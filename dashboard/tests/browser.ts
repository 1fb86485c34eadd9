import { vi } from "vitest";

// The one thing of a browser that the logic asks for.
vi.stubGlobal("navigator", { languages: ["en-GB"] });
