import type { JourneyShown } from "../../api/shapes";
import { Panel } from "../../components/panel";
import { formatDate } from "../../format/dates";
import { formatDays } from "../../format/durations";
import { formatMoney, formatNumber } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

export function Figures({ journey }: { journey: JourneyShown }) {
  const said = strings.journey;
  const currency = useCurrency();
  const rows = [
    [said.value, formatMoney(journey.lifetime_value, currency)],
    [said.appointments, formatNumber(journey.total_appointments)],
    [
      said.lastAppointment,
      journey.last_appointment_at === null ? said.never : formatDate(journey.last_appointment_at),
    ],
    [said.inactive, formatDays(journey.days_inactive)],
  ];
  return (
    <Panel title={said.figures}>
      <dl className="pairs">
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
