import { useCallback } from "react";
import { useSearchParams } from "react-router";

/** The instant of the past that is looked at, kept in the URL; null: the present. */
export function usePastInstant() {
  const [params, setParams] = useSearchParams();
  // As given: a transition is exact to the microsecond, and a Date is not.
  const given = params.get("as_of") ?? "";
  const show = useCallback(
    (asOf: string | null) =>
      setParams((current) => {
        const next = new URLSearchParams(current);
        if (asOf === null) next.delete("as_of");
        else next.set("as_of", asOf);
        return next;
      }),
    [setParams],
  );
  return { asOf: Number.isNaN(new Date(given).getTime()) ? null : given, show };
}
