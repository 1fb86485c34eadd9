import { Button, Empty } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import { useCustomers } from "../../api/queries";
import { CursorPagination } from "../../components/cursor-pagination";
import { DataList } from "../../components/data-list";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { useRiskLevels } from "../../components/use-risk-levels";
import { formatNumber } from "../../format/numbers";
import { useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { columns } from "./columns";
import { Filters } from "./filters";
import { PAGE_SIZE, type Search, toApiQuery, useSearch } from "./search";

export default function Customers() {
  const { search, change, isFiltered, clear } = useSearch();
  return (
    <Page
      title={strings.views.customers}
      documentTitle={strings.views.customers}
      extra={<Link to="/duplicates">{strings.duplicates.open}</Link>}
    >
      <Panel>
        <Filters search={search} change={change} />
        {/* The key resets pagination when the search changes. */}
        <CustomerList key={JSON.stringify(search)} {...{ search, change, isFiltered, clear }} />
      </Panel>
    </Page>
  );
}

interface CustomerListProps {
  search: Search;
  change(search: Partial<Search>): void;
  isFiltered: boolean;
  clear(): void;
}

function CustomerList({ search, change, isFiltered, clear }: CustomerListProps) {
  const [cursors, setCursors] = useState<string[]>([]);
  const currency = useCurrency();
  const cursor = cursors.at(-1);
  const levels = useRiskLevels();
  // Only a filter by risk has to wait for the levels.
  const isReady = levels !== null || search.risk === null;
  const query = useCustomers(
    {
      ...toApiQuery(search, levels),
      limit: PAGE_SIZE,
      count: true,
      ...(cursor ? { cursor } : {}),
    },
    isReady,
  );
  return (
    <QueryView query={query} rows={10}>
      {(data) => (
        <>
          <p className="result-count" role="status">
            {typeof data.total === "number" && strings.customers.count(formatNumber(data.total), data.total)}
          </p>
          <DataList
            label={strings.customers.table}
            rows={data.relationships}
            rowKey={(row) => row.customer_id}
            columns={columns(currency)}
            sorting={{ key: search.sort, descending: search.descending }}
            onSort={({ key, descending }) => change({ sort: key as Search["sort"], descending })}
            isLoading={query.isPlaceholderData}
            empty={isFiltered ? <NoMatches clear={clear} /> : <NoCustomers />}
          />
          <CursorPagination
            cursors={cursors}
            next={data.next_cursor}
            pages={typeof data.total === "number" ? Math.ceil(data.total / PAGE_SIZE) : null}
            onChange={setCursors}
          />
        </>
      )}
    </QueryView>
  );
}

function NoMatches({ clear }: { clear(): void }) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={strings.customers.noMatches}>
      <p>{strings.customers.noMatchesHint}</p>
      <Button onClick={clear}>{strings.customers.clearFilters}</Button>
    </Empty>
  );
}

function NoCustomers() {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={strings.customers.empty}>
      <p>{strings.customers.emptyHint}</p>
      <p>
        <small>
          {strings.customers.adminHint}: <a href="/docs">{strings.customers.apiDocs}</a>
        </small>
      </p>
    </Empty>
  );
}
