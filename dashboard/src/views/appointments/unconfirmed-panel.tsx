import { useAppointments } from "../../api/queries";
import { Panel } from "../../components/panel";
import { startOfDay } from "../../format/dates";
import { strings } from "../../strings";
import { AppointmentDays } from "./appointment-days";

const DAYS = 7;

/** Panel with the appointments of the last days of which nobody has said whether the customer came, if there are any. */
export function UnconfirmedPanel() {
  const query = useAppointments({
    from: startOfDay(-DAYS).toISOString(),
    to: startOfDay().toISOString(),
    outcome: ["open"],
    limit: 200,
  });
  const t = strings.appointments;
  const appointments = query.data?.pages.flatMap((page) => page.appointments) ?? [];
  if (appointments.length === 0) return null;
  const lastDayFirst = appointments.toSorted(
    (one, other) =>
      startOfDay(0, new Date(other.scheduled_for)).getTime() -
      startOfDay(0, new Date(one.scheduled_for)).getTime(),
  );
  return (
    <Panel title={t.unconfirmed}>
      <p className="secondary unconfirmed-hint">{t.unconfirmedHint}</p>
      <AppointmentDays appointments={lastDayFirst} />
    </Panel>
  );
}
