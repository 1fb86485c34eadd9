import { DownOutlined, UpOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useId, useState } from "react";
import { useExplanation } from "../../api/queries";
import type { JourneyShown } from "../../api/shapes";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { label } from "../../format/labels";
import { formatScore } from "../../format/numbers";
import { strings } from "../../strings";

type Name = "risk" | "engagement";

/** Both scores, and on demand what they are made of. */
export function Scores({ journey }: { journey: JourneyShown }) {
  const [asked, setAsked] = useState<Name | null>(null);
  const factors = useId();
  const shown: [Name, number][] = [
    ["risk", journey.risk_score],
    ["engagement", journey.engagement_score],
  ];
  const said = strings.journey;
  return (
    <Panel title={said.scores}>
      {shown.map(([name, value]) => (
        <div key={name} className="score">
          <span className="score-name">{said[name]}</span>
          <span className="score-track" aria-hidden>
            <span className={`score-fill ${name}`} style={{ width: `${value * 100}%` }} />
          </span>
          <span className="figure">{formatScore(value)}</span>
          <Button
            size="small"
            type="link"
            aria-expanded={asked === name}
            aria-controls={factors}
            aria-label={said.whyOf(said[name])}
            icon={asked === name ? <UpOutlined aria-hidden /> : <DownOutlined aria-hidden />}
            iconPlacement="end"
            onClick={() => setAsked(asked === name ? null : name)}
          >
            {said.why}
          </Button>
        </div>
      ))}
      <div id={factors}>{asked !== null && <Factors customerId={journey.customer_id} name={asked} />}</div>
    </Panel>
  );
}

function Factors({ customerId, name }: { customerId: string; name: Name }) {
  const query = useExplanation(customerId, true);
  const said = strings.journey;
  return (
    <QueryView query={query} rows={3}>
      {({ scores }) => (
        <table className="plain factors">
          <caption>{said.factors(said[name])}</caption>
          <thead>
            <tr>
              <th scope="col">{said.factor}</th>
              <th scope="col">{said.because}</th>
              <th scope="col">{said.contribution}</th>
            </tr>
          </thead>
          <tbody>
            {scores[name].factors.map((factor) => (
              <tr
                key={`${factor.name} ${factor.because}`}
                className={Number(factor.contribution) === 0 ? "zero" : ""}
              >
                <th scope="row">{label("factors", factor.name)}</th>
                <td>{factor.because}</td>
                <td className="figure">{formatScore(factor.contribution)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </QueryView>
  );
}
