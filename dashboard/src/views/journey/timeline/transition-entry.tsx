import { Tag } from "antd";
import type { ReactNode } from "react";
import type { TransitionEntryData } from "../../../api/types";
import { humanize, label } from "../../../format/labels";
import { describeComparisons } from "../../../format/rules";
import { useCurrency } from "../../../session/session";
import { strings } from "../../../strings";

export function TransitionEntry({ transition, time }: { transition: TransitionEntryData; time: ReactNode }) {
  const t = strings.journey;
  const currency = useCurrency();
  const { from_stage_name: from, to_stage_name: to } = transition;
  return (
    <div className="entry">
      <h3>{from === null ? t.startedIn(to) : t.movedTo(to, from)}</h3>
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
    </div>
  );
}
