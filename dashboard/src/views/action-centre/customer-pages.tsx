import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { Empty } from "antd";
import { useEffect } from "react";
import { type Column, DataList } from "../../components/data-list";
import { ErrorAlert } from "../../components/error-alert";
import { TextSkeleton } from "../../components/loading";
import { ShowMore } from "../../components/show-more";
import { strings } from "../../strings";

/** A page may be short although others follow; so many are requested at once until there are rows enough to show. */
const ENOUGH_ROWS = 10;
const MAX_PAGES = 10;

interface Page<Row> {
  customers: Row[];
  next_cursor: string | null;
}

interface Props<Row> {
  list: "calls" | "due";
  query: UseInfiniteQueryResult<InfiniteData<Page<Row>>>;
  columns: Column<Row>[];
}

/** A list of customers that is loaded page by page. */
export function CustomerPages<Row extends { customer_id: string }>({ list, query, columns }: Props<Row>) {
  const t = strings.callList;
  const pages = query.data?.pages ?? [];
  const rows = pages.flatMap((page) => page.customers);
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const needsMore = hasNextPage && rows.length < ENOUGH_ROWS && pages.length < MAX_PAGES;
  useEffect(() => {
    if (needsMore && !isFetching && !isError) void fetchNextPage();
  }, [needsMore, isFetching, isError, fetchNextPage]);
  if (query.data === undefined) {
    if (isError && !isFetching) return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
    return <TextSkeleton rows={10} />;
  }
  const emptyState = needsMore ? (
    <p className="secondary" role="status">
      {t.searching}
    </p>
  ) : (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.empty[list]}>
      <p className="secondary">{t.emptyHint[list]}</p>
    </Empty>
  );
  return (
    <>
      <DataList
        label={t.titles[list]}
        dense
        rows={rows}
        rowKey={(row) => row.customer_id}
        columns={columns}
        empty={emptyState}
      />
      {hasNextPage && <ShowMore isLoading={query.isFetchingNextPage} onMore={() => void fetchNextPage()} />}
    </>
  );
}
