import { ClockCircleOutlined } from "@ant-design/icons";
import type { JourneyShown } from "../../api/shapes";
import { deadlineInWords } from "../../format/deadline";
import { Panel } from "../../parts/panel";
import { useStageLook } from "../../parts/stage-look";
import { strings } from "../../strings";

export function Next({ journey }: { journey: JourneyShown }) {
  const look = useStageLook();
  return (
    <Panel title={strings.journey.next}>
      <p className="next">
        <ClockCircleOutlined aria-hidden />
        <span>{deadlineInWords(journey, (key) => look(key).name)}</span>
      </p>
    </Panel>
  );
}
