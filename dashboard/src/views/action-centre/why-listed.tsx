import { Button, Tooltip } from "antd";
import { useState } from "react";
import { useExplanation } from "../../api/queries";
import type { Prediction } from "../../api/types";
import { describeFactors, describeForecast, describePriority, describeStage } from "../../format/predictions";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

/** Button that says on hover and on keyboard focus why a customer is listed, and why at this place. */
export function WhyListed({ row }: { row: Prediction }) {
  const [open, setOpen] = useState(false);
  const t = strings.actionCentre;
  return (
    <Tooltip
      open={open}
      onOpenChange={setOpen}
      trigger={["hover", "focus"]}
      placement="bottomLeft"
      classNames={{ root: "why-listed" }}
      title={<Reasons row={row} />}
      destroyOnHidden
    >
      <Button
        type="link"
        size="small"
        className="why"
        aria-label={t.whyOf(row.name ?? row.customer_id)}
        onKeyDown={({ key }) => key === "Escape" && setOpen(false)}
      >
        {strings.journey.why}
      </Button>
    </Tooltip>
  );
}

function Reasons({ row }: { row: Prediction }) {
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
