import { Alert, App, Button, Progress, Tag } from "antd";
import { Link, useParams } from "react-router";
import { Problem } from "../../api/problem";
import type { Rollout as RolloutData } from "../../api/types";
import { ChartTable } from "../../charts/chart-table";
import { CustomerLink } from "../../components/customer-link";
import { DataList } from "../../components/data-list";
import { errorMessage } from "../../components/error-alert";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { useStageStyle } from "../../components/stage-style";
import { formatNumber } from "../../format/numbers";
import { usePauseRollout, useRollout } from "../../rulebook/api";
import { useCanEditRules } from "../../session/session";
import { strings } from "../../strings";
import { ruleStrings } from "../../strings/rules";
import "../../rulebook.css";

/** The progress of a roll-out, and its report at the end. */
export default function Rollout() {
  const version = Number(useParams().version);
  const query = useRollout(version);
  const t = ruleStrings.rollouts;
  const title = t.title(formatNumber(version));
  const isUnknown = query.error instanceof Problem && query.error.status === 404;
  return (
    <Page
      title={title}
      documentTitle={title}
      subtitle={t.lead}
      extra={<Link to="/stages">{ruleStrings.stageEditor.back}</Link>}
    >
      {isUnknown ? (
        <Alert type="info" showIcon title={t.notOnRecord} />
      ) : (
        <QueryView query={query}>
          {(rollout) => (
            <div className="column">
              <RolloutProgress rollout={rollout} />
              {rollout.report && <RolloutReport report={rollout.report} />}
            </div>
          )}
        </QueryView>
      )}
    </Page>
  );
}

function RolloutProgress({ rollout }: { rollout: RolloutData }) {
  const canEdit = useCanEditRules();
  const pause = usePauseRollout(rollout.version);
  const stageStyle = useStageStyle();
  const { message } = App.useApp();
  const t = ruleStrings.rollouts;
  const { status, total, looked } = rollout;
  const isGoing = status === "running" || status === "paused";
  const figures: [string, number | null][] = [
    [t.moved, rollout.moved],
    [t.unchanged, rollout.unchanged],
    [t.left, rollout.left],
    [t.unanswered, rollout.unanswered],
  ];
  return (
    <Panel
      title={
        <>
          {t.progressTitle} <Tag color={COLOURS[status]}>{t.statuses[status]}</Tag>
        </>
      }
      extra={
        canEdit &&
        isGoing && (
          <Button
            loading={pause.isPending}
            onClick={() =>
              pause.mutate(status === "running", {
                onError: (error) => void message.error(errorMessage(error)),
              })
            }
          >
            {status === "running" ? t.pause : t.continue}
          </Button>
        )
      }
    >
      {total === null || looked === null ? (
        <p className="secondary">{t.waiting}</p>
      ) : (
        <>
          <Progress
            percent={total === 0 ? 100 : Math.min(100, Math.floor((looked / total) * 100))}
            aria-label={t.progress(formatNumber(looked), formatNumber(total))}
            status={status === "failed" ? "exception" : status === "running" ? "active" : "normal"}
          />
          <p>{t.progress(formatNumber(looked), formatNumber(total))}</p>
        </>
      )}
      <dl className="key-values rollout-figures">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="numeric">{value === null ? strings.common.none : formatNumber(value)}</dd>
          </div>
        ))}
      </dl>
      {rollout.moves.length > 0 ? (
        <ChartTable
          caption={t.movesTable}
          columns={[
            ruleStrings.rulePreview.from,
            ruleStrings.rulePreview.to,
            ruleStrings.rulePreview.customers,
          ]}
          rows={rollout.moves.map(({ from, to, count }) => ({
            key: `${from} ${to}`,
            cells: [stageStyle(from).name, stageStyle(to).name, formatNumber(count)],
          }))}
        />
      ) : (
        !isGoing && <p className="secondary">{t.noMoves}</p>
      )}
    </Panel>
  );
}

const COLOURS = {
  running: "processing",
  paused: "warning",
  complete: "success",
  replaced: "default",
  failed: "error",
} as const;

type Report = NonNullable<RolloutData["report"]>;

function RolloutReport({ report }: { report: Report }) {
  const stageStyle = useStageStyle();
  const t = ruleStrings.rollouts;
  const move = (stages: Report["customers"][number]["moved"]) =>
    stages === null ? t.notMoved : `${stageStyle(stages.from).name} → ${stageStyle(stages.to).name}`;
  const differing = Object.entries(report.differing).filter(([, count]) => count > 0);
  return (
    <Panel title={t.report}>
      <p>{t.asPlanned(formatNumber(report.as_planned), formatNumber(report.planned))}</p>
      {differing.length === 0 ? (
        <p>{t.noneDiffer}</p>
      ) : (
        <>
          <h3>{t.differ}</h3>
          <ul className="difference-list">
            {differing.map(([reason, count]) => (
              <li key={reason}>
                {t.reasons[reason] ?? reason}: {formatNumber(count)}
              </li>
            ))}
          </ul>
          <DataList
            label={t.differ}
            rows={report.customers}
            rowKey={(row) => `${row.customer_id} ${row.reason}`}
            columns={[
              {
                key: "customer",
                title: t.customer,
                render: (row) =>
                  row.customer_id === null ? strings.common.none : <CustomerLink id={row.customer_id} />,
              },
              { key: "planned", title: t.planned, render: (row) => move(row.planned) },
              { key: "moved", title: t.happened, render: (row) => move(row.moved) },
              { key: "reason", title: t.because, render: (row) => t.reasons[row.reason] ?? row.reason },
            ]}
            dense
            empty={null}
          />
        </>
      )}
    </Panel>
  );
}
