import type { Profile } from "../../api/types";
import { formatDate } from "../../format/dates";
import { phoneLink } from "../../format/phone";
import { strings } from "../../strings";

interface Props {
  customer: Pick<Profile, "customer_id" | "name" | "email" | "phone" | "phone_e164">;
  /** when the journey started; null without one */
  since: string | null;
}

/** A customer's id, e-mail address and phone number. */
export function ContactLine({ customer, since }: Props) {
  const { customer_id, name, email, phone, phone_e164 } = customer;
  const parts = [
    name ? strings.journey.id(customer_id) : null,
    email && <a href={`mailto:${email}`}>{email}</a>,
    phone && <a href={phoneLink(phone_e164 ?? phone)}>{phone}</a>,
    since && strings.journey.since(formatDate(since)),
  ];
  return (
    <ul className="contact-line">
      {parts.filter(Boolean).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places are fixed
        <li key={index}>{part}</li>
      ))}
    </ul>
  );
}
