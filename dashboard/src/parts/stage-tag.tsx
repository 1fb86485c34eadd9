import { Tag } from "antd";
import { textOn } from "../format/contrast";
import { StageIcon } from "./stage-icon";
import { useStageLook } from "./stage-look";

/** A stage by its key, in the company's colour, name and icon. */
export function StageTag({ stage, name, large = false }: { stage: string; name?: string; large?: boolean }) {
  const look = useStageLook()(stage);
  return (
    <Tag
      className={large ? "stage-tag large" : "stage-tag"}
      icon={<StageIcon name={look.icon} />}
      style={{ background: look.colour, color: textOn(look.colour), borderColor: "transparent" }}
    >
      {name ?? look.name}
    </Tag>
  );
}
