import { CheckCircleOutlined, CloseCircleOutlined } from "@ant-design/icons";
import type { Explanation } from "../../../api/types";
import { useStageStyle } from "../../../components/stage-style";
import { label } from "../../../format/labels";
import { describeComparisons } from "../../../format/rules";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

/** Each stage that has rules, with what they compared. */
export function StageVerdicts({ stages }: { stages: Explanation["rules"] }) {
  const currency = useCurrency();
  const stageStyle = useStageStyle();
  const t = strings.past;
  return (
    <section>
      <h3>{t.verdicts}</h3>
      <ul className="plain-list verdicts">
        {stages
          .filter((stage) => stage.rules.length > 0)
          .map((stage) => (
            <li key={stage.stage_key}>
              {stage.holds ? <CheckCircleOutlined aria-hidden /> : <CloseCircleOutlined aria-hidden />}{" "}
              <strong>{stageStyle(stage.stage_key).name}</strong> {stage.holds ? t.holds : t.holdsNot}
              {stage.rules.map((rule, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: the rules of a stage have no other identity
                <span key={n} className="secondary verdict">
                  {describeComparisons(rule.conditions, currency).join("; ") ||
                    label("triggers", rule.trigger)}
                </span>
              ))}
            </li>
          ))}
      </ul>
    </section>
  );
}
