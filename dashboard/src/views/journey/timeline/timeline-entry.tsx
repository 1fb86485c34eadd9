import type { ReactNode } from "react";
import type { Entry } from "../../../api/shapes-of-timeline";
import { formatDateTime, formatRelative } from "../../../format/dates";
import { ActionShown } from "./action-entry";
import { EventShown } from "./event-entry";
import { TransitionShown } from "./transition-entry";

export function EntryShown({ entry, customerId }: { entry: Entry; customerId: string }) {
  switch (entry.kind) {
    case "transition":
      return <TransitionShown transition={entry} when={<When at={entry.at} />} />;
    case "event":
      return <EventShown event={entry} when={<When at={entry.at} />} />;
    case "action":
      return <ActionShown action={entry} when={<When at={entry.at} />} customerId={customerId} />;
  }
}

function When({ at }: { at: string }): ReactNode {
  return (
    <time dateTime={at} title={formatRelative(at)}>
      {formatDateTime(at)}
    </time>
  );
}
