import { ClockCircleOutlined } from "@ant-design/icons";
import type { Journey } from "../../api/types";
import { Panel } from "../../components/panel";
import { useStageStyle } from "../../components/stage-style";
import { describeNextStep } from "../../format/next-step";
import { strings } from "../../strings";
import { LookButtons } from "./past/look-buttons";

export function NextStep({ journey }: { journey: Journey }) {
  const stageStyle = useStageStyle();
  return (
    <Panel title={strings.journey.next}>
      <p className="next-step">
        <ClockCircleOutlined aria-hidden />
        <span>{describeNextStep(journey, (key) => stageStyle(key).name)}</span>
      </p>
      <LookButtons customerId={journey.customer_id} />
    </Panel>
  );
}
