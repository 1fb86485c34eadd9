import { formatNumber } from "../../../format/numbers";
import { strings } from "../../../strings";
import type { AnalyticsCard, CardProps } from "../card";
import { StageBarCard } from "../stage-bar-card";

export const card: AnalyticsCard = { order: 20, Card: DistributionCard };

function DistributionCard({ figures }: CardProps) {
  const { distribution: title, distributionHint: hint, columns } = strings.analytics;
  return (
    <StageBarCard
      title={title}
      hint={hint}
      column={columns.customers}
      values={figures.distribution}
      formatValue={formatNumber}
    />
  );
}
