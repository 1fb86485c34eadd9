import { useExplanation } from "../../api/queries";
import type { Prediction } from "../../api/types";
import { describeFactors, describeForecast, describePriority, describeStage } from "../../format/predictions";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

/** Why a customer is listed, and why at this place. */
export default function Reasons({ row }: { row: Prediction }) {
  const currency = useCurrency();
  const { data, isError } = useExplanation(row.customer_id, true);
  const t = strings.actionCentre;
  const factors = data && describeFactors(data.scores.risk.factors);
  return (
    <ul>
      <li>{describeStage(row)}</li>
      <li aria-busy={factors === undefined && !isError}>
        {factors ?? (isError ? t.factorsUnavailable : strings.common.loading)}
      </li>
      <li>{describeForecast(row)}</li>
      <li>{describePriority(row, currency)}</li>
    </ul>
  );
}
