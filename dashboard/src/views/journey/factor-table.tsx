import type { ExplainedScore } from "../../api/types";
import { label } from "../../format/labels";
import { formatContribution } from "../../format/numbers";
import { strings } from "../../strings";

/** The summands of a score. */
export function FactorTable({ score, caption }: { score: ExplainedScore; caption: string }) {
  const t = strings.journey;
  return (
    <table className="data-table factors">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t.factor}</th>
          <th scope="col">{t.reason}</th>
          <th scope="col">{t.effect}</th>
        </tr>
      </thead>
      <tbody>
        {score.factors.map((factor) => (
          <tr
            key={`${factor.name} ${factor.because}`}
            className={Number(factor.contribution) === 0 ? "zero" : ""}
          >
            <th scope="row">{label("factors", factor.name)}</th>
            <td>{factor.because}</td>
            <td className="numeric">{formatContribution(Number(factor.contribution))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
