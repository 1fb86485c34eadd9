import { createContext, useCallback, useContext, useMemo } from "react";
import { useStages } from "../api/queries";
import { humanize } from "../format/labels";

export interface StageStyle {
  name: string;
  /** `#rrggbb` */
  colour: string;
  icon: string | null;
}

interface StageLook {
  stage_key: string;
  stage_name: string;
  color: string | null;
  icon: string | null;
}

/** The stages as they were shown at an instant of the past; null: as of today. */
export const StagesOfThen = createContext<readonly StageLook[] | null>(null);

const UNKNOWN_STAGE_COLOUR = "#64748b";

/** Return a function from a stage's key to its style; stages that no longer exist are grey and named after their key. */
export function useStageStyle(): (key: string) => StageStyle {
  const current = useStages().data?.stages;
  const stages: readonly StageLook[] | undefined = useContext(StagesOfThen) ?? current;
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
