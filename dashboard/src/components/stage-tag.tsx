import { StageIcon } from "./stage-icon";
import { StageLabel } from "./stage-label";
import { useStageStyle } from "./stage-style";

/** A stage with the colour, name and icon that the company chose. */
export function StageTag({ stage, name, large = false }: { stage: string; name?: string; large?: boolean }) {
  const style = useStageStyle()(stage);
  return <StageLabel stage={stage} name={name} large={large} icon={<StageIcon name={style.icon} />} />;
}
