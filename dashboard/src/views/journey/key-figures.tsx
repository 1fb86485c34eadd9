import type { JourneyShown } from "../../api/shapes";
import { Panel } from "../../components/panel";
import { day } from "../../format/dates";
import { inDays } from "../../format/durations";
import { money, number } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";

export function Figures({ journey }: { journey: JourneyShown }) {
  const said = strings.journey;
  const currency = useCurrency();
  const rows = [
    [said.value, money(journey.lifetime_value, currency)],
    [said.appointments, number(journey.total_appointments)],
    [
      said.lastAppointment,
      journey.last_appointment_at === null ? said.never : day(journey.last_appointment_at),
    ],
    [said.inactive, inDays(journey.days_inactive)],
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
