import { useMemo } from "react";
import { useStages } from "../api/queries";
import { type RiskLevels, riskLevelsOf } from "../format/risk-levels";

/** Return the company's risk levels, or null while its stages are loading. */
export function useRiskLevels(): RiskLevels | null {
  const stages = useStages().data?.stages;
  return useMemo(() => (stages === undefined ? null : riskLevelsOf(stages)), [stages]);
}
