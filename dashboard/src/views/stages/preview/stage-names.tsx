import { Tag } from "antd";
import { createContext, useContext } from "react";
import type { Stage } from "../../../api/types";
import { StageIcon } from "../../../components/stage-icon";
import { readableTextColour } from "../../../format/contrast";
import { humanize } from "../../../format/labels";
import { ruleStrings } from "../../../strings/rules";

interface Look {
  name: string;
  colour: string;
  icon: string | null;
}

const UNKNOWN_COLOUR = "#64748b";
const Context = createContext<ReadonlyMap<string, Stage>>(new Map());

/** The stages of a preview: also those that the change removes, and those that it adds. */
export const PreviewStages = Context.Provider;

/** Return the stages by key; where both have one, the name of the changed rules counts. */
export function stagesByKey(...lists: readonly (readonly Stage[])[]): ReadonlyMap<string, Stage> {
  return new Map(lists.flat().map((stage) => [stage.stage_key, stage]));
}

/** Return a function from a stage's key to how it looks; null is the start of a journey. */
export function usePreviewLook(): (key: string | null) => Look {
  const stages = useContext(Context);
  return (key) => {
    if (key === null) return { name: ruleStrings.rulePreview.start, colour: UNKNOWN_COLOUR, icon: null };
    const stage = stages.get(key);
    return {
      name: stage?.stage_name ?? humanize(key),
      colour: stage?.color ?? UNKNOWN_COLOUR,
      icon: stage?.icon ?? null,
    };
  };
}

export function PreviewStageTag({ stage }: { stage: string | null }) {
  const { name, colour, icon } = usePreviewLook()(stage);
  return (
    <Tag
      className="stage-tag"
      icon={<StageIcon name={icon} />}
      style={{ background: colour, color: readableTextColour(colour), borderColor: "transparent" }}
    >
      {name}
    </Tag>
  );
}
