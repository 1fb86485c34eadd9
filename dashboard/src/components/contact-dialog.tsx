import { Alert, Button, Form, Input, Modal, Select } from "antd";
import { type KeyboardEvent, useState } from "react";
import { newIdempotencyKey } from "../api/mutations";
import type { ContactOutcome, NewContact } from "../api/types";
import { DAY, toDateTimeLocal } from "../format/dates";
import { phoneLink } from "../format/phone";
import { strings } from "../strings";
import { useRecorder } from "./use-recorder";

const OUTCOMES: readonly ContactOutcome[] = ["reached", "no_answer", "booked", "declined", "do_not_contact"];
const CHANNELS: readonly NewContact["channel"][] = ["phone", "in_person", "email", "message"];
const MAX_NOTE = 1000;
const MAX_SERVICE = 64;

interface Props {
  customer: { customer_id: string; name: string | null; phone: string | null; phone_e164: string | null };
  onClose(isRecorded: boolean): void;
}

/** Dialog for the outcome of a contact. An outcome saves at once; "Booked…" first asks for the appointment. */
export default function ContactDialog({ customer, onClose }: Props) {
  const name = customer.name ?? customer.customer_id;
  const [channel, setChannel] = useState<NewContact["channel"]>("phone");
  const [note, setNote] = useState("");
  const [followUp, setFollowUp] = useState("");
  const [isBooking, setIsBooking] = useState(false);
  const [scheduledFor, setScheduledFor] = useState("");
  const [service, setService] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [idempotencyKey] = useState(newIdempotencyKey);
  const { record, isPending } = useRecorder(customer.customer_id, name);
  const t = strings.contacts;

  async function save(outcome: ContactOutcome) {
    if ([followUp, isBooking ? scheduledFor : ""].some(isPast)) {
      setError(t.nextCallInPast);
      return;
    }
    const contact: NewContact = { channel, outcome };
    if (note.trim() !== "") contact.note = note.trim();
    if (followUp !== "" && outcome !== "do_not_contact") contact.follow_up_at = toInstant(followUp);
    if (outcome === "booked" && scheduledFor !== "") {
      contact.appointment = { scheduled_for: toInstant(scheduledFor) };
      if (service.trim() !== "") contact.appointment.service = service.trim();
    }
    const problem = await record(contact, idempotencyKey);
    if (problem === null) onClose(true);
    else setError(problem);
  }

  function choose(outcome: ContactOutcome) {
    if (outcome === "booked") setIsBooking(true);
    else void save(outcome);
  }

  function handleKey(event: KeyboardEvent) {
    const isText = (event.target as HTMLElement).matches("input, textarea, [role=combobox]");
    const outcome = OUTCOMES[Number(event.key) - 1];
    if (isText || isBooking || isPending || outcome === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(outcome);
  }

  return (
    <Modal
      open
      width={560}
      title={<span className="contact-title">{t.dialogTitle(name)}</span>}
      footer={null}
      onCancel={() => onClose(false)}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys are shortcuts of the buttons inside */}
      <div className="contact-dialog" onKeyDown={handleKey}>
        {customer.phone === null ? (
          <span className="secondary">{t.noPhone}</span>
        ) : (
          <a className="contact-phone" href={phoneLink(customer.phone_e164 ?? customer.phone)}>
            {customer.phone}
          </a>
        )}
        <Form layout="vertical" noValidate onFinish={() => void save("booked")}>
          {isBooking ? (
            <>
              <Form.Item label={t.scheduledFor} extra={t.appointmentHint} htmlFor="contact-scheduled">
                <Input
                  id="contact-scheduled"
                  type="datetime-local"
                  min={toDateTimeLocal(new Date())}
                  value={scheduledFor}
                  onChange={({ target }) => setScheduledFor(target.value)}
                  autoFocus
                />
              </Form.Item>
              <Form.Item label={t.service} htmlFor="contact-service">
                <Input
                  id="contact-service"
                  maxLength={MAX_SERVICE}
                  value={service}
                  onChange={({ target }) => setService(target.value)}
                />
              </Form.Item>
            </>
          ) : (
            <NextCall value={followUp} onChange={setFollowUp} />
          )}
          <Form.Item label={t.note} htmlFor="contact-note">
            <Input.TextArea
              id="contact-note"
              placeholder={t.notePlaceholder}
              autoSize={{ minRows: 1, maxRows: 6 }}
              maxLength={MAX_NOTE}
              value={note}
              onChange={({ target }) => setNote(target.value)}
            />
          </Form.Item>
          <Form.Item label={t.channel} htmlFor="contact-channel">
            <Select
              id="contact-channel"
              value={channel}
              onChange={setChannel}
              options={CHANNELS.map((value) => ({ value, label: t.channels[value] }))}
            />
          </Form.Item>
          {error !== null && <Alert type="error" showIcon title={error} />}
          {isBooking ? (
            <div className="buttons">
              <Button type="primary" htmlType="submit" loading={isPending}>
                {t.saveBooking}
              </Button>
              <Button onClick={() => setIsBooking(false)}>{t.back}</Button>
            </div>
          ) : (
            <>
              <fieldset className="outcomes" aria-label={t.outcome}>
                {OUTCOMES.map((outcome, index) => (
                  <Button
                    key={outcome}
                    type={index === 0 ? "primary" : "default"}
                    danger={outcome === "do_not_contact"}
                    autoFocus={index === 0}
                    disabled={isPending}
                    aria-keyshortcuts={String(index + 1)}
                    onClick={() => choose(outcome)}
                  >
                    {outcome === "booked" ? t.bookedEllipsis : t.outcomes[outcome]}
                  </Button>
                ))}
              </fieldset>
              <p className="secondary key-hint">{t.keys}</p>
            </>
          )}
        </Form>
      </div>
    </Modal>
  );
}

function NextCall({ value, onChange }: { value: string; onChange(value: string): void }) {
  const t = strings.contacts;
  const presets = { tomorrow: 1, week: 7 };
  return (
    <Form.Item label={t.nextCall} htmlFor="contact-next">
      <div className="next-call">
        <Input
          id="contact-next"
          type="datetime-local"
          min={toDateTimeLocal(new Date())}
          value={value}
          onChange={({ target }) => onChange(target.value)}
        />
        {Object.entries(presets).map(([key, days]) => (
          <Button key={key} onClick={() => onChange(toDateTimeLocal(new Date(Date.now() + days * DAY)))}>
            {t.presets[key as keyof typeof presets]}
          </Button>
        ))}
      </div>
    </Form.Item>
  );
}

/** Whether the value of a date field is not in the future. An empty one is no date. */
function isPast(local: string): boolean {
  return local !== "" && new Date(local).getTime() <= Date.now();
}

function toInstant(local: string): string {
  return new Date(local).toISOString();
}
