import type { Journey } from "../../api/types";
import { Panel } from "../../components/panel";
import { formatDate, formatDateTime } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { formatMoney, formatNumber } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

export function KeyFigures({ journey }: { journey: Journey }) {
  const t = strings.journey;
  const currency = useCurrency();
  const rows = [
    [t.value, formatMoney(journey.lifetime_value, currency)],
    [t.appointments, formatNumber(journey.total_appointments)],
    [
      t.lastAppointment,
      journey.last_appointment_at === null ? t.never : formatDate(journey.last_appointment_at),
    ],
    [
      t.nextAppointment,
      journey.next_appointment_at === null ? t.notBooked : formatDateTime(journey.next_appointment_at),
    ],
    [t.inactive, formatDays(journey.days_inactive)],
  ];
  return (
    <Panel title={t.keyFigures}>
      <dl className="key-values">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
