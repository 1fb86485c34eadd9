import { useCallback, useMemo } from "react";
import { useStages } from "../api/queries";
import { humanize } from "../format/labels";

export interface StageStyle {
  name: string;
  /** `#rrggbb` */
  colour: string;
  icon: string | null;
}

const UNKNOWN_STAGE_COLOUR = "#64748b";

/** Return a function from a stage's key to its style; stages that no longer exist are grey and named after their key. */
export function useStageStyle(): (key: string) => StageStyle {
  const stages = useStages().data?.stages;
  const stylesByKey = useMemo(
    () =>
      new Map(
        (stages ?? []).map((stage) => [
          stage.stage_key,
          { name: stage.stage_name, colour: stage.color ?? UNKNOWN_STAGE_COLOUR, icon: stage.icon },
        ]),
      ),
    [stages],
  );
  return useCallback(
    (key) => stylesByKey.get(key) ?? { name: humanize(key), colour: UNKNOWN_STAGE_COLOUR, icon: null },
    [stylesByKey],
  );
}
