import type { RulePreview } from "../../../api/types";
import { ChartTable } from "../../../charts/chart-table";
import { Panel } from "../../../components/panel";
import { actionLabel } from "../../../format/labels";
import { formatNumber } from "../../../format/numbers";
import { ruleStrings } from "../../../strings/rules";
import { PreviewStageTag, usePreviewLook } from "./stage-names";

/** What happens when the rules are applied: moves, removed stages, actions and messages. */
export function PreviewMoves({ preview }: { preview: RulePreview }) {
  const lookOf = usePreviewLook();
  const t = ruleStrings.rulePreview;
  const moves = [...(preview.moves ?? [])].sort((one, other) => other.count - one.count);
  const total = moves.reduce((sum, move) => sum + move.count, 0);
  const gone = (preview.gone ?? []).filter((stage) => stage.customers > 0);
  const actions = Object.entries(preview.actions ?? {}).filter(([, count]) => count > 0);
  return (
    <div className="preview-now">
      <Panel title={t.now}>
        <p className="preview-headline" role="status">
          {total === 0
            ? t.noMoves
            : t.moves(formatNumber(total), total, formatNumber(preview.customers ?? 0))}
        </p>
        {moves.length > 0 && (
          <ul className="preview-moves" aria-label={t.movesTable}>
            {moves.map((move) => (
              <li key={`${move.from} ${move.to}`}>
                <strong className="numeric">{formatNumber(move.count)}</strong>
                <PreviewStageTag stage={move.from} />
                <span aria-hidden>→</span>
                <span className="visually-hidden">{t.to}</span>
                <PreviewStageTag stage={move.to} />
              </li>
            ))}
          </ul>
        )}
        {gone.map(({ stage, customers, held }) => (
          <p key={stage}>
            {t.gone(lookOf(stage).name, formatNumber(customers), customers)}{" "}
            {held > 0 && t.held(formatNumber(held), held)}
          </p>
        ))}
      </Panel>
      <Panel title={t.actionsTitle}>
        {actions.length === 0 ? (
          <p className="secondary">{t.actionsNone}</p>
        ) : (
          <>
            <p>
              {t.messages(formatNumber(preview.messages ?? 0), preview.messages ?? 0)},{" "}
              {t.campaigns(formatNumber(preview.campaigns ?? 0), preview.campaigns ?? 0)}
            </p>
            <ChartTable
              caption={t.actionsTable}
              columns={[t.action, t.times]}
              rows={actions.map(([action, count]) => ({
                key: action,
                cells: [actionLabel(action), formatNumber(count)],
              }))}
            />
          </>
        )}
      </Panel>
    </div>
  );
}
