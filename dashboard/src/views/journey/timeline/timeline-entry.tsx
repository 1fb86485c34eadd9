import type { ReactNode } from "react";
import type { Entry } from "../../../api/types";
import { formatDateTime, formatRelative } from "../../../format/dates";
import { ActionEntry } from "./action-entry";
import { ContactEntry } from "./contact-entry";
import { EventEntry } from "./event-entry";
import { TransitionEntry } from "./transition-entry";

export function TimelineEntry({ entry, customerId }: { entry: Entry; customerId: string }) {
  switch (entry.kind) {
    case "transition":
      return <TransitionEntry transition={entry} time={<EntryTime at={entry.at} />} />;
    case "event":
      return <EventEntry event={entry} time={<EntryTime at={entry.at} />} customerId={customerId} />;
    case "action":
      return <ActionEntry action={entry} time={<EntryTime at={entry.at} />} customerId={customerId} />;
    case "contact":
      return <ContactEntry contact={entry} time={<EntryTime at={entry.at} />} customerId={customerId} />;
  }
}

function EntryTime({ at }: { at: string }): ReactNode {
  return (
    <time dateTime={at} title={formatRelative(at)}>
      {formatDateTime(at)}
    </time>
  );
}
