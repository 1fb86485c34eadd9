import { useCallback, useMemo } from "react";
import { useStages } from "../api/queries";
import { humanize } from "../format/labels";

export interface StageStyle {
  name: string;
  /** `#rrggbb` */
  colour: string;
  icon: string | null;
}

const UNKNOWN = "#64748b";

/** How a stage looks, by its key; one that the company no longer has is grey, by its key. */
export function useStageStyle(): (key: string) => StageStyle {
  const stages = useStages().data?.stages;
  const looks = useMemo(
    () =>
      new Map(
        (stages ?? []).map((stage) => [
          stage.stage_key,
          { name: stage.stage_name, colour: stage.color ?? UNKNOWN, icon: stage.icon },
        ]),
      ),
    [stages],
  );
  return useCallback(
    (key) => looks.get(key) ?? { name: humanize(key), colour: UNKNOWN, icon: null },
    [looks],
  );
}
