import { Tag } from "antd";
import type { Stage } from "../../api/types";
import { Panel } from "../../components/panel";
import { StageTag } from "../../components/stage-tag";
import { formatDays } from "../../format/durations";
import { actionLabel } from "../../format/labels";
import { describeRules } from "../../format/rules";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

export function StageCard({ stage, isFirst }: { stage: Stage; isFirst: boolean }) {
  const rules = describeRules(stage, useCurrency());
  const t = strings.stages;
  return (
    <li>
      <Panel>
        <div className="panel-head">
          <h3>
            <StageTag stage={stage.stage_key} name={stage.stage_name} large />
          </h3>
          {!stage.is_active && <Tag>{t.inactive}</Tag>}
        </div>
        {stage.description && <p>{stage.description}</p>}
        <h4>{rules.length === 0 ? t.noRules : rules.length > 1 ? `${t.rule} (${t.any})` : t.rule}</h4>
        {rules.length === 0 ? (
          <p>{isFirst ? t.entry : t.manualOnly}</p>
        ) : (
          <ul>
            {rules.map((rule) => (
              <li key={rule}>{rule}</li>
            ))}
          </ul>
        )}
        {stage.retention_days !== null && <p>{t.retention(formatDays(stage.retention_days))}</p>}
        <h4>{t.actions}</h4>
        {stage.actions.length === 0 ? (
          <p className="secondary">{t.noActions}</p>
        ) : (
          <ul>
            {stage.actions.map((action) => (
              <li key={action}>{actionLabel(action)}</li>
            ))}
          </ul>
        )}
      </Panel>
    </li>
  );
}
