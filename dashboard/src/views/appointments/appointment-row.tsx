import { EditOutlined } from "@ant-design/icons";
import { Button, Tag } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { useAnswerAppointment } from "../../api/mutations";
import type { Appointment, Attendance } from "../../api/types";
import { AttendanceButtons } from "../../attendance/attendance-buttons";
import { customerPath } from "../../components/customer-link";
import { formatTimeOfDay } from "../../format/dates";
import { formatMoney, formatShare } from "../../format/numbers";
import { phoneLink } from "../../format/phone";
import { useCanEdit, useCurrency } from "../../session/session";
import { strings } from "../../strings";

/** From this risk on, it is worth a reminder. */
const HIGH_RISK = 0.25;

const COLORS: Record<string, string> = { completed: "success", missed: "error" };

/** One appointment: when, who, what, and the risk of a no-show or what became of it. */
export function AppointmentRow({ appointment }: { appointment: Appointment }) {
  const t = strings.appointments;
  const name = appointment.name ?? appointment.customer_id;
  const isAhead = Date.parse(appointment.scheduled_for) > Date.now();
  return (
    <li className="appointment">
      <time className="numeric" dateTime={appointment.scheduled_for}>
        {formatTimeOfDay(appointment.scheduled_for)}
      </time>
      <div className="appointment-who">
        <Link to={customerPath(appointment.customer_id)}>{name}</Link>
        {appointment.phone && <a href={phoneLink(appointment.phone)}>{appointment.phone}</a>}
      </div>
      <span className={appointment.service === null ? "secondary" : ""}>
        {appointment.service ?? t.noService}
      </span>
      <div className="appointment-state">
        {appointment.outcome !== "open" && <Outcome appointment={appointment} />}
        {appointment.outcome === "open" && isAhead && <Risk appointment={appointment} />}
      </div>
      {!isAhead && <Answer appointment={appointment} name={name} />}
    </li>
  );
}

function Risk({ appointment: { risk } }: { appointment: Appointment }) {
  if (risk === null) return null;
  const isHigh = risk.probability >= HIGH_RISK;
  return (
    <>
      <Tag color={isHigh ? "warning" : "default"}>
        {strings.appointments.risk(formatShare(risk.probability))}
      </Tag>
      <small>{risk.reason}</small>
    </>
  );
}

function Outcome({ appointment: { outcome, amount } }: { appointment: Appointment }) {
  const currency = useCurrency();
  return (
    <>
      <Tag color={COLORS[outcome] ?? "default"}>{strings.appointments.outcomes[outcome] ?? outcome}</Tag>
      {amount !== null && <small>{formatMoney(Number(amount), currency)}</small>}
    </>
  );
}

/** Buttons that say what became of an appointment; one that is answered can be corrected. */
function Answer({ appointment, name }: { appointment: Appointment; name: string }) {
  const answer = useAnswerAppointment(appointment.customer_id);
  const canEdit = useCanEdit();
  const [isCorrecting, setIsCorrecting] = useState(false);
  const t = strings.attendance;
  if (!canEdit) return null;
  if (appointment.outcome !== "open" && !isCorrecting) {
    return (
      <Button
        size="small"
        type="text"
        icon={<EditOutlined aria-hidden />}
        aria-label={t.correctOf(name)}
        onClick={() => setIsCorrecting(true)}
      >
        {t.correct}
      </Button>
    );
  }
  async function send(value: Attendance) {
    await answer.mutateAsync({ key: appointment.key, answer: value });
    setIsCorrecting(false);
  }
  return (
    <AttendanceButtons
      name={name}
      suggestedAmount={appointment.amount ?? appointment.suggested_amount}
      onAnswer={send}
    />
  );
}
