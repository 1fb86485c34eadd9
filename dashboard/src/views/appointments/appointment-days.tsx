import type { Appointment } from "../../api/types";
import { formatDay, startOfDay } from "../../format/dates";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { AppointmentRow } from "./appointment-row";

/** Appointments in the order given, with a heading for each day. */
export function AppointmentDays({ appointments }: { appointments: readonly Appointment[] }) {
  const days = new Map<string, Appointment[]>();
  for (const appointment of appointments) {
    const day = new Date(appointment.scheduled_for).toDateString();
    days.set(day, [...(days.get(day) ?? []), appointment]);
  }
  return [...days].map(([day, listed]) => <Day key={day} appointments={listed} />);
}

function Day({ appointments }: { appointments: Appointment[] }) {
  const t = strings.appointments;
  const [first] = appointments;
  if (first === undefined) return null;
  const name = dayName(first.scheduled_for);
  return (
    <section className="appointment-day" aria-label={name}>
      <h3>
        {name} <small>{t.count(formatNumber(appointments.length), appointments.length)}</small>
      </h3>
      <ul className="appointments">
        {appointments.map((appointment) => (
          <AppointmentRow key={`${appointment.customer_id} ${appointment.key}`} appointment={appointment} />
        ))}
      </ul>
    </section>
  );
}

function dayName(instant: string): string {
  const t = strings.appointments;
  const day = startOfDay(0, new Date(instant)).getTime();
  const near: Record<number, string> = {
    [startOfDay(-1).getTime()]: t.yesterday,
    [startOfDay().getTime()]: t.today,
    [startOfDay(1).getTime()]: t.tomorrow,
  };
  const date = formatDay(instant);
  return near[day] === undefined ? date : `${near[day]}, ${date}`;
}
