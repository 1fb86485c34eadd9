import type { Explanation } from "../api/types";

type Deadline = Explanation["deadlines"][number];

/** Return the sentence of a deadline, with the name of the stage that it leads to instead of its key. */
export function describeDeadline(
  { leads_to, sentence }: Deadline,
  nameOf: (stage: string) => string,
): string {
  const text = leads_to === null ? sentence : sentence.replace(leads_to, nameOf(leads_to));
  return text.charAt(0).toUpperCase() + text.slice(1);
}
