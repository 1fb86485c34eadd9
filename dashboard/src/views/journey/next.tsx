import { ClockCircleOutlined } from "@ant-design/icons";
import { Card } from "antd";
import type { JourneyShown } from "../../api/shapes";
import { deadlineInWords } from "../../format/deadline";
import { useStageLook } from "../../parts/stage-look";
import { words } from "../../words";

export function Next({ journey }: { journey: JourneyShown }) {
  const look = useStageLook();
  return (
    <Card title={<h2>{words.journey.next}</h2>}>
      <p className="next">
        <ClockCircleOutlined aria-hidden />
        <span>{deadlineInWords(journey, (key) => look(key).name)}</span>
      </p>
    </Card>
  );
}
