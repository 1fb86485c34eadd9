import { Card, Tag } from "antd";
import type { Stage } from "../../api/shapes";
import { inDays } from "../../format/days";
import { rulesInWords } from "../../format/rules";
import { actionName } from "../../format/terms";
import { StageTag } from "../../parts/stage-tag";
import { useCurrency } from "../../session/session";
import { words } from "../../words";

export function StageCard({ stage, isFirst }: { stage: Stage; isFirst: boolean }) {
  const rules = rulesInWords(stage, useCurrency());
  const said = words.stages;
  return (
    <li>
      <Card
        title={
          <h3>
            <StageTag stage={stage.stage_key} name={stage.stage_name} large />
          </h3>
        }
        extra={!stage.is_active && <Tag>{said.inactive}</Tag>}
      >
        {stage.description && <p>{stage.description}</p>}
        <h4>{rules.length > 1 ? `${said.rule} (${said.any})` : said.rule}</h4>
        {rules.length === 0 ? (
          <p>{isFirst ? said.entry : said.byHand}</p>
        ) : (
          <ul>
            {rules.map((rule) => (
              <li key={rule}>{rule}</li>
            ))}
          </ul>
        )}
        {stage.retention_days !== null && <p>{said.retention(inDays(stage.retention_days))}</p>}
        <h4>{said.actions}</h4>
        {stage.actions.length === 0 ? (
          <p className="quiet">{said.noActions}</p>
        ) : (
          <ul>
            {stage.actions.map((action) => (
              <li key={action}>{actionName(action)}</li>
            ))}
          </ul>
        )}
      </Card>
    </li>
  );
}
