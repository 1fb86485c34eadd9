import { Link } from "react-router";

interface Props {
  id: string;
  name?: string | null | undefined;
  email?: string | null | undefined;
}

/** Link to a customer's journey: name (or id), with id and e-mail below. */
export function CustomerLink({ id, name, email }: Props) {
  return (
    <div className="customer-link">
      <Link to={customerPath(id)}>{name ?? id}</Link>
      <small>{[name ? id : null, email].filter(Boolean).join(" · ")}</small>
    </div>
  );
}

export function customerPath(customerId: string): string {
  return `/customers/${encodeURIComponent(customerId)}`;
}
