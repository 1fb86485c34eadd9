import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ErrorAlert } from "./error-alert";
import { TextSkeleton } from "./loading";

interface Props<Data> {
  query: UseQueryResult<Data>;
  /** lines of the skeleton */
  rows?: number;
  children: (data: Data) => ReactNode;
}

/** What was asked for: on its way, failed with another try, or there. What was once there stays. */
export function QueryView<Data>({ query, rows = 4, children }: Props<Data>) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError && !query.isFetching)
    return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
  return <TextSkeleton rows={rows} />;
}
