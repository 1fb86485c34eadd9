import { Alert, Button, Input } from "antd";
import { useEffect, useRef, useState } from "react";
import { usePastExplanation } from "../../../api/queries";
import type { Explanation, Journey } from "../../../api/types";
import { Panel } from "../../../components/panel";
import { QueryView } from "../../../components/query-view";
import { StagesOfThen, useStageStyle } from "../../../components/stage-style";
import { StageTag } from "../../../components/stage-tag";
import { formatDate, formatDateTime, toDateTimeLocal } from "../../../format/dates";
import { describeDeadline } from "../../../format/deadlines";
import { label } from "../../../format/labels";
import { formatMoney, formatNumber, formatShare } from "../../../format/numbers";
import { describeComparisons } from "../../../format/rules";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";
import { FactorTable } from "../factor-table";
import { usePastInstant } from "./past-instant";
import { SeenToday } from "./seen-today";
import { StageVerdicts } from "./stage-verdicts";

/** The journey as it was at an instant of the past, and why. */
export default function PastPanel({ journey, asOf }: { journey: Journey; asOf: string }) {
  const { show } = usePastInstant();
  const heading = useRef<HTMLDivElement>(null);
  const query = usePastExplanation(journey.customer_id, asOf);
  const t = strings.past;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link in the timeline changes the instant
  useEffect(() => {
    heading.current?.scrollIntoView({ block: "nearest" });
  }, [asOf]);
  return (
    <div ref={heading}>
      <Panel
        title={t.title(formatDateTime(asOf))}
        className="past"
        extra={
          <Button size="small" onClick={() => show(null)}>
            {t.close}
          </Button>
        }
      >
        <InstantForm key={asOf} asOf={asOf} since={journey.created_at} onShow={show} />
        <QueryView query={query} rows={6}>
          {(explanation) => (
            <StagesOfThen value={explanation.stages ?? null}>
              <Explained explanation={explanation} />
            </StagesOfThen>
          )}
        </QueryView>
      </Panel>
    </div>
  );
}

interface FormProps {
  asOf: string;
  since: string;
  onShow(asOf: string): void;
}

function InstantForm({ asOf, since, onShow }: FormProps) {
  const [text, setText] = useState(toDateTimeLocal(new Date(asOf)));
  const instant = new Date(text);
  const isValid = !Number.isNaN(instant.getTime()) && instant.getTime() <= Date.now();
  const t = strings.past;
  return (
    <form
      className="past-instant"
      onSubmit={(event) => {
        event.preventDefault();
        if (isValid) onShow(instant.toISOString());
      }}
    >
      <label htmlFor="past-instant">{t.instant}</label>
      <Input
        id="past-instant"
        type="datetime-local"
        value={text}
        status={isValid ? "" : "error"}
        min={toDateTimeLocal(new Date(since))}
        max={toDateTimeLocal(new Date())}
        onChange={(change) => setText(change.target.value)}
      />
      <Button htmlType="submit" disabled={!isValid}>
        {t.show}
      </Button>
      {!isValid && <span role="alert">{t.invalid}</span>}
    </form>
  );
}

function Explained({ explanation }: { explanation: Explanation }) {
  const currency = useCurrency();
  const stageStyle = useStageStyle();
  const t = strings.past;
  const { facts, scores, today } = explanation;
  const [move] = explanation.transitions;
  const rules = explanation.rules_since
    ? t.rulesSince(explanation.rules_version, formatDate(explanation.rules_since))
    : t.rules(explanation.rules_version);
  const figures = [
    [strings.journey.value, formatMoney(Number(facts.lifetime_value), currency)],
    [strings.journey.appointments, formatNumber(facts.total_appointments)],
    [t.missed, formatNumber(facts.missed)],
    [
      strings.journey.lastAppointment,
      facts.last_appointment_at === null ? strings.journey.never : formatDate(facts.last_appointment_at),
    ],
    [
      strings.journey.nextAppointment,
      facts.next_appointment_at === null
        ? strings.journey.notBooked
        : formatDateTime(facts.next_appointment_at),
    ],
  ];
  return (
    <>
      {today && <SeenToday today={today} />}
      <p className="past-stage">
        <StageTag stage={explanation.current_stage} name={explanation.stage_name} large />{" "}
        {t.enteredAt(formatDateTime(explanation.entered_at), label("triggers", explanation.trigger_event))}
        {explanation.hold &&
          ` ${explanation.hold.until === null ? t.held : t.heldUntil(formatDateTime(explanation.hold.until))}`}
      </p>
      {describeComparisons(move?.reason?.conditions ?? [], currency).map((comparison) => (
        <p key={comparison} className="secondary">
          {comparison}
        </p>
      ))}
      {move?.notes && <p className="user-text">{move.notes}</p>}
      <p className="secondary">{rules}</p>
      <div className="past-columns">
        <section>
          <h3>{t.figures}</h3>
          <dl className="key-values">
            {figures.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <h3>{t.expected}</h3>
          {explanation.deadlines.length === 0 ? (
            <p>{t.nothingExpected}</p>
          ) : (
            <ul className="plain-list">
              {explanation.deadlines.map((deadline) => (
                <li key={deadline.at}>{describeDeadline(deadline, (key) => stageStyle(key).name)}</li>
              ))}
            </ul>
          )}
        </section>
        <section>
          {(["risk", "engagement"] as const).map((name) => (
            <FactorTable
              key={name}
              score={scores[name]}
              caption={t.score(strings.journey[name], formatShare(Number(scores[name].score)))}
            />
          ))}
        </section>
      </div>
      <StageVerdicts stages={explanation.rules} />
      <Alert type="info" showIcon title={t.note} />
    </>
  );
}
