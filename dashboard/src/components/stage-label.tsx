import { Tag } from "antd";
import type { ReactNode } from "react";
import { readableTextColour } from "../format/contrast";
import { useStageStyle } from "./stage-style";

/** A stage's name on its colour. Without the icons of `StageTag`, which would make the first view larger. */
export function StageLabel({
  stage,
  name,
  icon,
  large = false,
}: {
  stage: string;
  name?: string | undefined;
  icon?: ReactNode;
  large?: boolean;
}) {
  const style = useStageStyle()(stage);
  return (
    <Tag
      className={large ? "stage-tag large" : "stage-tag"}
      icon={icon}
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
