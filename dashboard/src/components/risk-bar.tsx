import { formatShare } from "../format/numbers";
import { riskLevel } from "../format/risk-levels";
import { strings } from "../strings";
import { useRiskLevels } from "./use-risk-levels";

/** A risk score (0 to 1) as a bar with its percentage; the colour carries no extra information. Null is unknown. */
export function RiskBar({ risk, label = strings.customers.risk }: { risk: number | null; label?: string }) {
  const levels = useRiskLevels();
  if (risk === null) return <span className="secondary">{strings.common.none}</span>;
  const level = levels === null ? "low" : riskLevel(risk, levels);
  return (
    <div className="risk-bar">
      {/* biome-ignore lint/a11y/useSemanticElements: browsers draw <meter> each in its own way */}
      <div
        className="risk-track"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={1}
        aria-valuenow={risk}
        aria-valuetext={formatShare(risk)}
      >
        <div className={`risk-fill ${level}`} style={{ width: `${risk * 100}%` }} />
      </div>
      <span className="numeric">{formatShare(risk)}</span>
    </div>
  );
}
