import { Select } from "antd";
import { useMemo } from "react";
import type { PreviewMove, RulePreview } from "../../../api/types";
import { ChartCard } from "../../../charts/chart-card";
import { ChartTable } from "../../../charts/chart-table";
import { chartThemeFor } from "../../../charts/chart-theme";
import { FlowChart } from "../../../charts/lazy-charts";
import { type StageFlow, toStageFlow } from "../../../charts/stage-flow";
import { Panel } from "../../../components/panel";
import { DAY } from "../../../format/dates";
import { formatNumber } from "../../../format/numbers";
import { ruleStrings } from "../../../strings/rules";
import { useDark, useNarrow } from "../../../theme";
import { compareMoves } from "./compare-moves";
import { usePreviewLook } from "./stage-names";

export type Since = "all" | "year" | "quarter";

const DAYS: Record<Since, number | null> = { all: null, year: 365, quarter: 90 };
const START = "";

/** Return the time from which on the past is compared; null: from its beginning. */
export function sinceTime(since: Since, now = Date.now()): string | null {
  const days = DAYS[since];
  return days === null ? null : new Date(now - days * DAY).toISOString();
}

interface Props {
  preview: RulePreview;
  since: Since;
  onSince(since: Since): void;
}

/** The past of all customers under both rules, as two flows and as tables. */
export function PreviewPast({ preview, since, onSince }: Props) {
  const lookOf = usePreviewLook();
  const t = ruleStrings.rulePreview;
  const { past } = preview;
  if (!past) return null;
  const nameOf = (stage: string | null) => lookOf(stage).name;
  const different = past.customers_different;
  const days = past.days_in_stage;
  const stages = [...new Set([...Object.keys(days.old), ...Object.keys(days.new)])];
  return (
    <div className="column">
      <Panel
        title={t.past}
        extra={
          <Select<Since>
            aria-label={t.since}
            value={since}
            popupMatchSelectWidth={false}
            options={(["all", "year", "quarter"] as const).map((value) => ({
              value,
              label: t.sinceOptions[value],
              title: t.sinceOptions[value],
            }))}
            onChange={onSince}
          />
        }
      >
        <p className="secondary">{t.pastHint}</p>
        <p>
          {t.differentCustomers(formatNumber(different), different, formatNumber(preview.customers ?? 0))}{" "}
          {t.campaignsOldNew(formatNumber(past.campaigns.old), formatNumber(past.campaigns.new))}
        </p>
        <h3>{t.movesByStage}</h3>
        <ChartTable
          caption={t.compare}
          columns={[t.move, t.old, t.changed, t.difference]}
          rows={compareMoves(past.old, past.new).map(({ from, to, old, changed }) => ({
            key: `${from} ${to}`,
            cells: [`${nameOf(from)} → ${nameOf(to)}`, ...compared(old, changed)],
          }))}
        />
        <h3>{t.days}</h3>
        <ChartTable
          caption={t.days}
          columns={[t.stage, t.old, t.changed, t.difference]}
          rows={stages.map((stage) => ({
            key: stage,
            cells: [nameOf(stage), ...compared(days.old[stage] ?? 0, days.new[stage] ?? 0)],
          }))}
        />
      </Panel>
      <div className="two-flows">
        <PastFlow title={t.oldFlow} moves={past.old} />
        <PastFlow title={t.newFlow} moves={past.new} />
      </div>
    </div>
  );
}

function PastFlow({ title, moves }: { title: string; moves: readonly PreviewMove[] }) {
  const lookOf = usePreviewLook();
  const theme = chartThemeFor(useDark());
  const narrow = useNarrow();
  const t = ruleStrings.rulePreview;
  const flow = useMemo(() => flowOf(moves, lookOf), [moves, lookOf]);
  const total = moves.reduce((sum, move) => sum + move.count, 0);
  return (
    <ChartCard
      title={title}
      hint={t.flowHint}
      summary={t.flowSummary(formatNumber(total), total)}
      isEmpty={moves.length === 0}
      chart={<FlowChart flow={flow} theme={theme} narrow={narrow} onStageClick={ignoreClick} />}
      table={{
        columns: [t.from, t.to, t.customers],
        rows: moves.map(({ from, to, count }) => ({
          key: `${from} ${to}`,
          cells: [lookOf(from).name, lookOf(to).name, formatNumber(count)],
        })),
      }}
    />
  );
}

function ignoreClick(): void {}

/** Each stage is on both sides, because customers also return to earlier stages. */
function flowOf(moves: readonly PreviewMove[], lookOf: ReturnType<typeof usePreviewLook>): StageFlow {
  const nodes = (side: 0 | 1, stages: readonly (string | null)[]) =>
    [...new Set(stages)].map((stage) => ({
      id: nodeId(side, stage),
      step: side,
      stage: stage ?? START,
      count: 0,
    }));
  const data = {
    nodes: [
      ...nodes(
        0,
        moves.map((move) => move.from),
      ),
      ...nodes(
        1,
        moves.map((move) => move.to),
      ),
    ],
    links: moves.map(({ from, to, count }) => ({ source: nodeId(0, from), target: nodeId(1, to), count })),
  };
  const look = (stage: string) => lookOf(stage === START ? null : stage);
  return toStageFlow(
    data,
    (stage) => look(stage).name,
    (stage) => look(stage).colour,
  );
}

function nodeId(side: number, stage: string | null): string {
  return `${side}:${stage ?? START}`;
}

function compared(old: number, changed: number): string[] {
  return [
    formatNumber(old, undefined, 0),
    formatNumber(changed, undefined, 0),
    new Intl.NumberFormat(undefined, { signDisplay: "exceptZero", maximumFractionDigits: 0 }).format(
      changed - old,
    ),
  ];
}
