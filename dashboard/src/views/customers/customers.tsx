import { Button, Empty } from "antd";
import { useState } from "react";
import { useCustomers } from "../../api/reads";
import type { Relationships } from "../../api/shapes";
import { number } from "../../format/figures";
import { Listing } from "../../parts/listing";
import { Page } from "../../parts/page";
import { Pages } from "../../parts/pages";
import { Panel } from "../../parts/panel";
import { Shown } from "../../parts/shown";
import { useCurrency } from "../../session/session";
import { words } from "../../words";
import { columns } from "./columns";
import { Filters } from "./filters";
import { PAGE, type Search, useSearch } from "./search";

export default function Customers() {
  const { search, change, isFiltered, clear } = useSearch();
  return (
    <Page title={words.views.customers} tab={words.views.customers}>
      <Panel>
        <Filters search={search} change={change} />
        {/* Another search begins on its first page. */}
        <Found key={JSON.stringify(search)} {...{ search, change, isFiltered, clear }} />
      </Panel>
    </Page>
  );
}

interface FoundProps {
  search: Search;
  change(search: Partial<Search>): void;
  isFiltered: boolean;
  clear(): void;
}

function Found({ search, change, isFiltered, clear }: FoundProps) {
  const [cursors, setCursors] = useState<string[]>([]);
  const currency = useCurrency();
  const cursor = cursors.at(-1);
  const query = useCustomers({ ...search.query, limit: PAGE, count: true, ...(cursor ? { cursor } : {}) });
  return (
    <Shown query={query} rows={10}>
      {(found: Relationships) => (
        <>
          <p className="found" role="status">
            {typeof found.total === "number" && words.customers.found(number(found.total), found.total)}
          </p>
          <Listing
            label={words.customers.table}
            rows={found.relationships}
            rowKey={(row) => row.customer_id}
            columns={columns(currency)}
            sorting={{ key: search.sort, descending: search.descending }}
            onSort={({ key, descending }) => change({ sort: key as Search["sort"], descending })}
            busy={query.isPlaceholderData}
            empty={isFiltered ? <NothingFound clear={clear} /> : <NobodyYet />}
          />
          <Pages
            page={cursors.length + 1}
            pages={typeof found.total === "number" ? Math.ceil(found.total / PAGE) : null}
            next={found.next_cursor === null ? null : () => setCursors([...cursors, found.next_cursor ?? ""])}
            previous={cursors.length === 0 ? null : () => setCursors(cursors.slice(0, -1))}
          />
        </>
      )}
    </Shown>
  );
}

function NothingFound({ clear }: { clear(): void }) {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.customers.emptyFilter}>
      <p>{words.customers.emptyFilterHint}</p>
      <Button onClick={clear}>{words.customers.clearFilters}</Button>
    </Empty>
  );
}

function NobodyYet() {
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={words.customers.empty}>
      <p>{words.customers.emptyHint}</p>
      <Button href="/docs">{words.customers.apiDocs}</Button>
    </Empty>
  );
}
