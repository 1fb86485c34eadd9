import type { Journey } from "../api/types";
import { strings } from "../strings";
import { formatDate, formatRelative } from "./dates";

type UpcomingStep = Pick<
  Journey,
  "held" | "hold_until" | "next_deadline" | "next_stage" | "total_appointments"
>;

/** Describe in a sentence what happens next in a journey if no event arrives. `nameOf` maps a stage's key to its name. */
export function describeNextStep(
  journey: UpcomingStep,
  nameOf: (key: string) => string,
  now = Date.now(),
): string {
  const t = strings.deadline;
  if (journey.held) {
    const until = journey.hold_until;
    return until === null ? t.heldUntilReleased : t.holdEnds(formatRelative(until, now), formatDate(until));
  }
  if (journey.next_deadline === null) return t.noChange;
  const when = [formatRelative(journey.next_deadline, now), formatDate(journey.next_deadline)] as const;
  const unless = journey.total_appointments > 0 ? t.unlessAppointment : t.unlessEvent;
  if (journey.next_stage === null) return t.scores(...when, unless);
  return t.moves(nameOf(journey.next_stage), ...when, unless);
}
