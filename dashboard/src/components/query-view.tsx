import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorAlert } from "./error-alert";
import { TextSkeleton } from "./loading";

interface Props<Data> {
  query: UseQueryResult<Data>;
  /** lines of the loading placeholder */
  rows?: number;
  children: (data: Data) => ReactNode;
}

/** Render a query's data, its error with a retry button, or a placeholder. Data stays visible when a refetch fails. */
export function QueryView<Data>({ query, rows = 4, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError && !query.isFetching)
    return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
  return <TextSkeleton rows={rows} />;
}
