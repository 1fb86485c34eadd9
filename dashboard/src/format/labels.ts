import { strings } from "../strings";

/** Make a key without a label readable: `send_welcome_email` becomes "Send welcome email". */
export function humanize(key: string): string {
  const text = key.replaceAll(/[._-]+/g, " ").trim();
  return text === "" ? key : text.charAt(0).toUpperCase() + text.slice(1);
}

/** Return the label of a key of the API. */
export function label(kind: keyof typeof strings.labels, key: string): string {
  return strings.labels[kind][key] ?? humanize(key);
}

/** Return the label of an action's key, with the step's number if it has several: "Onboarding e-mail (2)". */
export function actionLabel(key: string): string {
  const [name = key, step] = key.split(".");
  const shown = label("actions", name);
  // Numbers of staff requests are internal counters of the journey.
  return step === undefined || name.startsWith("centre_") ? shown : `${shown} (${step})`;
}
