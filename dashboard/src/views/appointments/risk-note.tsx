import type { NoShowModel } from "../../api/types";
import { riskSources } from "./risk-sources";

/** Where the risks come from, and how good they are. */
export function RiskNote({ model }: { model: NoShowModel | null }) {
  return <p className="secondary risk-note">{riskSources(model).join(" ")}</p>;
}
