import { Button, Tooltip } from "antd";
import { useEffect, useState } from "react";
import type { Prediction } from "../../api/types";
import { lazyComponent } from "../../components/lazy-component";
import { strings } from "../../strings";

const Reasons = lazyComponent(() => import("./reasons"), strings.common.loading);

/** Below the button, moved sideways as far as the window requires. */
const PLACEMENTS = {
  bottom: { points: ["tc", "bc"], offset: [0, 4], overflow: { shiftX: true, adjustY: true } },
};

/** Button that says on hover and on keyboard focus why a customer is listed, and why at this place. */
export function WhyListed({ row }: { row: Prediction }) {
  const [open, setOpen] = useState(false);
  useEffect(Reasons.preload, []);
  return (
    <Tooltip
      open={open}
      onOpenChange={setOpen}
      trigger={["hover", "focus"]}
      placement="bottom"
      builtinPlacements={PLACEMENTS}
      arrow={false}
      classNames={{ root: "why-listed" }}
      title={<Reasons row={row} />}
      destroyOnHidden
    >
      <Button
        type="link"
        size="small"
        className="why"
        aria-label={strings.actionCentre.whyOf(row.name ?? row.customer_id)}
        onKeyDown={({ key }) => key === "Escape" && setOpen(false)}
      >
        {strings.journey.why}
      </Button>
    </Tooltip>
  );
}
