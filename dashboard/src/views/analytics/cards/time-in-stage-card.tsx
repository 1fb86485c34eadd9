import { formatDays } from "../../../format/durations";
import { strings } from "../../../strings";
import type { AnalyticsCard, CardProps } from "../card";
import { StageBarCard } from "../stage-bar-card";

export const card: AnalyticsCard = { order: 30, Card: TimeInStageCard };

function TimeInStageCard({ figures }: CardProps) {
  const t = strings.analytics;
  return (
    <StageBarCard
      title={t.timeInStage}
      hint={t.timeInStageHint}
      column={t.columns.days}
      values={figures.stage_times}
      formatValue={formatDays}
    />
  );
}
