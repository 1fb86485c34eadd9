import { Alert } from "antd";
import type { Explanation } from "../../../api/types";
import { useStageStyle } from "../../../components/stage-style";
import { formatDateTime } from "../../../format/dates";
import { label } from "../../../format/labels";
import { formatMoney, formatShare } from "../../../format/numbers";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

type Today = NonNullable<Explanation["today"]>;

/** What the events known today say about an instant of the past, where that differs from what was known then. */
export function SeenToday({ today }: { today: Today }) {
  const shown = useShownFigure();
  const t = strings.past;
  return (
    <Alert
      type="warning"
      showIcon
      title={t.differs}
      description={
        <>
          <table className="data-table changes">
            <caption className="visually-hidden">{t.differs}</caption>
            <thead>
              <tr>
                <th scope="col">{strings.retractions.figure}</th>
                <th scope="col">{t.knownThen}</th>
                <th scope="col">{t.knownToday}</th>
              </tr>
            </thead>
            <tbody>
              {today.differences.map(({ name, then, today: now }) => (
                <tr key={name}>
                  <th scope="row">{t.names[name] ?? name}</th>
                  <td>{shown(name, then)}</td>
                  <td>{shown(name, now)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {today.because.length === 0 ? (
            <p>{t.otherOrder}</p>
          ) : (
            <ul className="plain-list">
              {today.because.map((event) => (
                <li key={event.event_id}>{describeCause(event)}</li>
              ))}
            </ul>
          )}
        </>
      }
    />
  );
}

function useShownFigure() {
  const currency = useCurrency();
  const stageStyle = useStageStyle();
  return (name: string, value: string | number | null): string => {
    if (value === null) return strings.common.none;
    if (name === "stage") return stageStyle(String(value)).name;
    if (name === "lifetime_value") return formatMoney(Number(value), currency);
    if (name.endsWith("_score")) return formatShare(Number(value));
    return name.endsWith("_at") ? formatDateTime(String(value)) : String(value);
  };
}

function describeCause({ type, occurred_at, received_at, why, retracted }: Today["because"][number]): string {
  const t = strings.past;
  if (retracted !== null)
    return t.retracted(
      label("events", retracted.type),
      formatDateTime(retracted.occurred_at),
      formatDateTime(received_at),
    );
  const describe = why === "merged" ? t.cameByMerge : t.cameLate;
  return describe(label("events", type), formatDateTime(occurred_at), formatDateTime(received_at));
}
