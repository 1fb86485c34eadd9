import { DownOutlined, UpOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useId, useState } from "react";
import { useExplanation } from "../../api/queries";
import type { Journey } from "../../api/types";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { formatShare } from "../../format/numbers";
import { strings } from "../../strings";
import { FactorTable } from "./factor-table";

type ScoreName = "risk" | "engagement";

/** Both scores, with their factors on request. */
export function Scores({ journey }: { journey: Journey }) {
  const [expanded, setExpanded] = useState<ScoreName | null>(null);
  const factorsId = useId();
  const scores: [ScoreName, number | null][] = [
    ["risk", journey.risk_score],
    ["engagement", journey.engagement_score],
  ];
  const t = strings.journey;
  return (
    <Panel title={t.scores}>
      {scores.map(([name, value]) => (
        <div key={name} className="score">
          <span className="score-name">{t[name]}</span>
          <span className="score-track" aria-hidden>
            <span className={`score-fill ${name}`} style={{ width: `${(value ?? 0) * 100}%` }} />
          </span>
          <span className="numeric">{value === null ? strings.common.none : formatShare(value)}</span>
          <Button
            size="small"
            type="link"
            aria-expanded={expanded === name}
            aria-controls={factorsId}
            aria-label={t.whyOf(t[name])}
            icon={expanded === name ? <UpOutlined aria-hidden /> : <DownOutlined aria-hidden />}
            iconPlacement="end"
            onClick={() => setExpanded(expanded === name ? null : name)}
          >
            {t.why}
          </Button>
        </div>
      ))}
      <div id={factorsId}>
        {expanded !== null && <Factors customerId={journey.customer_id} name={expanded} />}
      </div>
    </Panel>
  );
}

function Factors({ customerId, name }: { customerId: string; name: ScoreName }) {
  const query = useExplanation(customerId, true);
  return (
    <QueryView query={query} rows={3}>
      {({ scores }) => (
        <FactorTable score={scores[name]} caption={strings.journey.factors(strings.journey[name])} />
      )}
    </QueryView>
  );
}
