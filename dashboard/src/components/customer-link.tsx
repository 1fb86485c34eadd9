import { Link } from "react-router";

interface Props {
  id: string;
  name?: string | null | undefined;
  email?: string | null | undefined;
}

/** A customer by name (or id), leading to the journey; id and address beneath. */
export function CustomerLink({ id, name, email }: Props) {
  return (
    <div className="person">
      <Link to={customerPath(id)}>{name ?? id}</Link>
      <small>{[name ? id : null, email].filter(Boolean).join(" · ")}</small>
    </div>
  );
}

export function customerPath(customerId: string): string {
  return `/customers/${encodeURIComponent(customerId)}`;
}
