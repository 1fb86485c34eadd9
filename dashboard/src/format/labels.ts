import { strings } from "../strings";

/** `send_welcome_email` is "Send welcome email": a key that nobody has given a name. */
export function humanize(key: string): string {
  const text = key.replaceAll(/[._-]+/g, " ").trim();
  return text === "" ? key : text.charAt(0).toUpperCase() + text.slice(1);
}

/** The name of what the gateway calls by a key. */
export function label(kind: keyof typeof strings.terms, key: string): string {
  return strings.terms[kind][key] ?? humanize(key);
}

/** An action by its key; a step of several has its number: "Onboarding e-mail (2)". */
export function actionLabel(key: string): string {
  const [name = key, step] = key.split(".");
  const shown = label("actions", name);
  // The numbers of what people ask for count the journey's history, and say nothing to them.
  return step === undefined || name.startsWith("centre_") ? shown : `${shown} (${step})`;
}
