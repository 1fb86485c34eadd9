import { ExportOutlined, PauseCircleOutlined } from "@ant-design/icons";
import { Tag } from "antd";
import type { Journey } from "../../api/types";
import { StageTag } from "../../components/stage-tag";
import { formatDate, formatDateTime } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { strings } from "../../strings";

/** Current stage, time in it, and hold. */
export function StageSummary({ journey }: { journey: Journey }) {
  const t = strings.journey;
  return (
    <div className="stage-summary">
      <StageTag stage={journey.current_stage} name={journey.stage_name} large />
      <time dateTime={journey.stage_entered_at} title={formatDateTime(journey.stage_entered_at)}>
        {t.inStage(formatDays(journey.days_in_current_stage))}
      </time>
      {journey.held && (
        <Tag icon={<PauseCircleOutlined aria-hidden />} color="processing" variant="outlined">
          {journey.hold_until === null ? t.held : t.heldUntil(formatDate(journey.hold_until))}
        </Tag>
      )}
      {journey.temporal_url && /^https?:/.test(journey.temporal_url) && (
        <a href={journey.temporal_url} target="_blank" rel="noreferrer" className="temporal">
          {t.temporal} <ExportOutlined aria-hidden />
        </a>
      )}
    </div>
  );
}
