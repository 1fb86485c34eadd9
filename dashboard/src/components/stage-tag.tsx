import { Tag } from "antd";
import { readableTextColour } from "../format/contrast";
import { StageIcon } from "./stage-icon";
import { useStageStyle } from "./stage-style";

/** A stage with the colour, name and icon that the company chose. */
export function StageTag({ stage, name, large = false }: { stage: string; name?: string; large?: boolean }) {
  const style = useStageStyle()(stage);
  return (
    <Tag
      className={large ? "stage-tag large" : "stage-tag"}
      icon={<StageIcon name={style.icon} />}
      style={{
        background: style.colour,
        color: readableTextColour(style.colour),
        borderColor: "transparent",
      }}
    >
      {name ?? style.name}
    </Tag>
  );
}
