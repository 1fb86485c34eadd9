import { Form, Input, Modal, Radio, Select } from "antd";
import { useMemo, useState } from "react";
import { useWhatIf } from "../../../api/queries";
import type { WhatIf as Answer, CourseOfJourney } from "../../../api/types";
import { QueryView } from "../../../components/query-view";
import { useStageStyle } from "../../../components/stage-style";
import { StageTag } from "../../../components/stage-tag";
import { DAY, formatDate, formatDateTime, toDateTimeLocal } from "../../../format/dates";
import { describeDeadline } from "../../../format/deadlines";
import { actionLabel, label } from "../../../format/labels";
import { formatMoney, formatShare } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";
import {
  type AssumedEvent,
  assumptionOf,
  EVENT_TYPES,
  hasAmount,
  isComplete,
  QUESTIONS,
  type Question,
} from "./assumptions";

/** Dialog that says what would happen to a customer. Nothing is changed. */
export default function WhatIf({ customerId, onClose }: { customerId: string; onClose(): void }) {
  const [now] = useState(() => new Date());
  const [question, setQuestion] = useState<Question>("visit");
  const [other, setOther] = useState<AssumedEvent>(() => ({
    type: "appointment.completed",
    at: new Date(now.getTime() + DAY).toISOString(),
    amount: "",
  }));
  const isAsked = question !== "other" || isComplete(other);
  const t = strings.whatIf;
  return (
    <Modal open title={t.title} footer={null} width={720} onCancel={onClose}>
      <p className="secondary">{t.intro}</p>
      <Radio.Group
        aria-label={t.question}
        className="what-if-questions"
        value={question}
        onChange={(change) => setQuestion(change.target.value)}
        options={QUESTIONS.map((value) => ({ value, label: t.questions[value] }))}
      />
      {question === "other" && <OtherEvent event={other} now={now} onChange={setOther} />}
      {isAsked ? (
        <AnswerView customerId={customerId} question={question} other={other} now={now} />
      ) : (
        <p role="alert">{t.incomplete}</p>
      )}
    </Modal>
  );
}

interface OtherProps {
  event: AssumedEvent;
  now: Date;
  onChange(event: AssumedEvent): void;
}

function OtherEvent({ event, now, onChange }: OtherProps) {
  const t = strings.whatIf;
  return (
    <Form layout="vertical" className="what-if-event">
      <Form.Item label={t.event} htmlFor="what-if-type">
        <Select
          id="what-if-type"
          value={event.type}
          onChange={(type) => onChange({ ...event, type })}
          options={EVENT_TYPES.map((value) => ({ value, label: label("events", value) }))}
        />
      </Form.Item>
      <Form.Item label={t.at} htmlFor="what-if-at">
        <Input
          id="what-if-at"
          type="datetime-local"
          min={toDateTimeLocal(now)}
          value={event.at === "" ? "" : toDateTimeLocal(new Date(event.at))}
          onChange={({ target }) =>
            onChange({ ...event, at: target.value && new Date(target.value).toISOString() })
          }
        />
      </Form.Item>
      {hasAmount(event.type) && (
        <Form.Item label={t.amount} htmlFor="what-if-amount">
          <Input
            id="what-if-amount"
            inputMode="decimal"
            placeholder="200.00"
            value={event.amount}
            onChange={({ target }) => onChange({ ...event, amount: target.value.trim().replace(",", ".") })}
          />
        </Form.Item>
      )}
    </Form>
  );
}

interface AnswerProps {
  customerId: string;
  question: Question;
  other: AssumedEvent;
  now: Date;
}

function AnswerView({ customerId, question, other, now }: AnswerProps) {
  const assumption = useMemo(() => assumptionOf(question, other, now), [question, other, now]);
  const query = useWhatIf(customerId, assumption);
  const t = strings.whatIf;
  return (
    <QueryView query={query} rows={5}>
      {(answer: Answer) =>
        question === "nothing" ? (
          <Course course={answer.without} title={t.until(formatDate(answer.until))} />
        ) : (
          <div className="past-columns" aria-live="polite">
            <Course course={answer.with} title={t.with(formatDate(answer.until))} />
            <Course course={answer.without} title={t.without(formatDate(answer.until))} />
          </div>
        )
      }
    </QueryView>
  );
}

function Course({ course, title }: { course: CourseOfJourney; title: string }) {
  const currency = useCurrency();
  const stageStyle = useStageStyle();
  const t = strings.whatIf;
  const { after, transitions, actions } = course;
  const [next] = after.deadlines;
  return (
    <section>
      <h3>{title}</h3>
      {after.current_stage && <StageTag stage={after.current_stage} />}
      {transitions.length === 0 ? (
        <p>{t.noMove}</p>
      ) : (
        <ul className="plain-list">
          {transitions.map((move) => (
            <li key={move.transitioned_at + move.to_stage}>
              {t.move(
                move.from_stage === null ? "" : stageStyle(move.from_stage).name,
                stageStyle(move.to_stage).name,
                formatDateTime(move.transitioned_at),
              )}
            </li>
          ))}
        </ul>
      )}
      {actions.length > 0 && (
        <p>{t.actions(actions.map((action) => actionLabel(action.action)).join(", "))}</p>
      )}
      <p className="secondary">
        {t.figures(
          formatMoney(Number(after.facts.lifetime_value), currency),
          formatShare(Number(after.scores.risk.score)),
          formatShare(Number(after.scores.engagement.score)),
        )}
      </p>
      {next && <p className="secondary">{t.next(describeDeadline(next, (key) => stageStyle(key).name))}</p>}
    </section>
  );
}
