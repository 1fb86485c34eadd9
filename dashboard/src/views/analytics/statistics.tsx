import { CrownOutlined, TeamOutlined, WalletOutlined, WarningOutlined } from "@ant-design/icons";
import { Statistic } from "antd";
import type { JourneyAnalytics } from "../../api/types";
import { Panel } from "../../components/panel";
import { formatMoney, formatNumber, formatPercent } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

/** The four key figures at the top. */
export function Statistics({ figures, isLoading }: { figures: JourneyAnalytics; isLoading: boolean }) {
  const t = strings.analytics;
  const currency = useCurrency();
  const items = [
    { title: t.total, value: formatNumber(figures.total_customers), icon: <TeamOutlined aria-hidden /> },
    {
      title: t.atRisk,
      value: formatNumber(figures.at_risk_count),
      shareOfTotal: t.ofAll(formatPercent(figures.at_risk_percentage)),
      icon: <WarningOutlined aria-hidden />,
    },
    {
      title: t.vip,
      value: formatNumber(figures.vip_count),
      shareOfTotal: t.ofAll(formatPercent(figures.vip_percentage)),
      icon: <CrownOutlined aria-hidden />,
    },
    {
      title: t.value,
      value: formatMoney(figures.avg_lifetime_value, currency),
      icon: <WalletOutlined aria-hidden />,
    },
  ];
  return (
    <section className="statistics" aria-label={t.statistics}>
      {items.map(({ title, value, shareOfTotal, icon }) => (
        <Panel key={title}>
          <Statistic
            title={title}
            value={value}
            prefix={icon}
            formatter={(text) => text}
            loading={isLoading}
          />
          <p className="secondary">{(!isLoading && shareOfTotal) || "\u00a0"}</p>
        </Panel>
      ))}
    </section>
  );
}
