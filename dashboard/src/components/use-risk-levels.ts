import { useMemo } from "react";
import { useStages } from "../api/queries";
import { type RiskLevels, riskLevelsOf } from "../format/risk-levels";

/** Return the company's risk levels, or null while its settings are loading. */
export function useRiskLevels(): RiskLevels | null {
  const scoring = useStages().data?.scoring;
  return useMemo(() => (scoring === undefined ? null : riskLevelsOf(scoring)), [scoring]);
}
