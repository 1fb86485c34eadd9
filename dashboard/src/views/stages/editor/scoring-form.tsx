import { Fragment } from "react";
import type { Draft } from "../../../rulebook/draft";
import { fieldOf } from "../../../rulebook/problems";
import { SCORING_UNITS, sentenceParts } from "../../../rulebook/scoring-fields";
import { ruleStrings } from "../../../strings/rules";
import { useEditing } from "./editing";
import { FieldProblem, NumberField } from "./fields";

/** The weights and thresholds of the scores, as sentences with fields. */
export function ScoringForm({ scoring }: { scoring: Draft["scoring"] }) {
  const { problems } = useEditing();
  const t = ruleStrings.stageEditor;
  const hasProblem = problems.some(({ field }) => field.startsWith("scoring."));
  return (
    <details className="panel scoring-form" {...(hasProblem ? { open: true } : {})}>
      <summary>
        <h2>{t.scoring}</h2>
        <span className="secondary">{t.scoringHint}</span>
      </summary>
      {Object.entries(ruleStrings.scoringSentences).map(([key, { title, sentences }]) => (
        <Fragment key={key}>
          <h3>{title}</h3>
          <ul>
            {sentences.map((sentence) => (
              <li key={sentence}>
                <ScoringSentence sentence={sentence} scoring={scoring} />
              </li>
            ))}
          </ul>
        </Fragment>
      ))}
    </details>
  );
}

function ScoringSentence({ sentence, scoring }: { sentence: string; scoring: Draft["scoring"] }) {
  const { edit, currency } = useEditing();
  return (
    <span className="rule-condition">
      {sentenceParts(sentence).map((part) => {
        if ("text" in part) return <span key={part.text}>{part.text}</span>;
        const { path } = part;
        const unit = SCORING_UNITS[path];
        const field = fieldOf.scoring(path);
        const label = sentence.replaceAll(/\{([a-z0-9_.]+)\}/g, (_, each) =>
          each === path ? "…" : (scoring[each] ?? ""),
        );
        return (
          <Fragment key={path}>
            <NumberField
              field={field}
              label={label}
              value={scoring[path] ?? ""}
              suffix={unit === "share" ? "%" : unit === "money" ? currency : undefined}
              onChange={(value) =>
                edit((draft) => ({ ...draft, scoring: { ...draft.scoring, [path]: value } }), field)
              }
            />
            <FieldProblem field={field} />
          </Fragment>
        );
      })}
    </span>
  );
}
