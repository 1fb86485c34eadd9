import { HistoryOutlined } from "@ant-design/icons";
import { Button, Tag } from "antd";
import type { ReactNode } from "react";
import type { TransitionEntryData } from "../../../api/types";
import { formatDateTime } from "../../../format/dates";
import { humanize, label } from "../../../format/labels";
import { describeComparisons } from "../../../format/rules";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";
import { usePastInstant } from "../past/past-instant";

export function TransitionEntry({ transition, time }: { transition: TransitionEntryData; time: ReactNode }) {
  const t = strings.journey;
  const currency = useCurrency();
  const { show } = usePastInstant();
  const { from_stage_name: from, to_stage_name: to } = transition;
  const title = from === null ? t.startedIn(to) : t.movedTo(to, from);
  return (
    <div className="entry">
      <h3>{title}</h3>
      <p className="entry-line">
        {time}
        <Tag>{t.triggerTypes[transition.trigger_type] ?? humanize(transition.trigger_type)}</Tag>
        {transition.trigger_event && <span>{label("triggers", transition.trigger_event)}</span>}
      </p>
      {describeComparisons(transition.reason?.conditions ?? [], currency).map((comparison) => (
        <p key={comparison} className="secondary">
          {comparison}
        </p>
      ))}
      {transition.notes && <p className="user-text">{transition.notes}</p>}
      <Button
        size="small"
        type="text"
        className="look-back"
        icon={<HistoryOutlined aria-hidden />}
        aria-label={strings.past.whyOf(title, formatDateTime(transition.at))}
        onClick={() => show(transition.at)}
      >
        {strings.past.why}
      </Button>
    </div>
  );
}
