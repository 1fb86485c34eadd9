import { CrownOutlined, TeamOutlined, WalletOutlined, WarningOutlined } from "@ant-design/icons";
import { Statistic } from "antd";
import { Link } from "react-router";
import type { AnalyticsQuery } from "../../api/analytics";
import { useStages } from "../../api/queries";
import type { JourneyAnalytics, Stage } from "../../api/types";
import { Panel } from "../../components/panel";
import { formatMoney, formatNumber, formatPercent } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { Change } from "./change";

interface Props {
  figures: JourneyAnalytics;
  filter: AnalyticsQuery;
  isLoading: boolean;
}

/** The four key figures at the top: each with its change against the period before, and a link to what it counts. */
export function Statistics({ figures, filter, isLoading }: Props) {
  const t = strings.analytics;
  const currency = useCurrency();
  const money = (value: number) => formatMoney(value, currency);
  const stages = useStages().data?.stages;
  const items = [
    {
      title: t.total,
      field: "total_customers" as const,
      format: formatNumber,
      isGrowthGood: true,
      icon: <TeamOutlined aria-hidden />,
      list: "/customers",
    },
    {
      title: t.atRisk,
      field: "at_risk_count" as const,
      format: formatNumber,
      isGrowthGood: false,
      shareOfTotal: t.ofAll(formatPercent(figures.at_risk_percentage)),
      icon: <WarningOutlined aria-hidden />,
      list: listOfRole(stages, "at_risk"),
    },
    {
      title: t.vip,
      field: "vip_count" as const,
      format: formatNumber,
      isGrowthGood: true,
      shareOfTotal: t.ofAll(formatPercent(figures.vip_percentage)),
      icon: <CrownOutlined aria-hidden />,
      list: listOfRole(stages, "vip"),
    },
    {
      title: t.value,
      field: "avg_lifetime_value" as const,
      format: money,
      isGrowthGood: true,
      icon: <WalletOutlined aria-hidden />,
      list: "/customers?sort=lifetime_value",
    },
  ];
  // The list shows customers as they are now, which is not what the figures of a past time count.
  const isNow = filter.asOf === null;
  return (
    <section className="statistics" aria-label={t.statistics}>
      {items.map(({ title, field, format, isGrowthGood, shareOfTotal, icon, list }) => (
        <Panel key={title} className="statistic">
          <Statistic
            title={isNow && list !== null ? <Link to={list}>{title}</Link> : title}
            value={format(figures[field])}
            prefix={icon}
            formatter={(text) => text}
            loading={isLoading}
          />
          <p className="secondary">{(!isLoading && shareOfTotal) || "\u00a0"}</p>
          <p className="secondary">
            {!isLoading && figures.previous !== null ? (
              <Change
                value={figures[field]}
                previous={figures.previous[field]}
                period={filter.period}
                format={format}
                isGrowthGood={isGrowthGood}
              />
            ) : (
              "\u00a0"
            )}
          </p>
        </Panel>
      ))}
    </section>
  );
}

/** Return the list of the customers in stages with a role; null if the company has no such stage. */
function listOfRole(stages: readonly Stage[] | undefined, role: Stage["role"]): string | null {
  const keys = (stages ?? []).filter((stage) => stage.role === role).map((stage) => stage.stage_key);
  if (keys.length === 0) return null;
  return `/customers?${new URLSearchParams(keys.map((key) => ["stage", key]))}`;
}
