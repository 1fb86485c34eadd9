import { useState } from "react";
import { usePredictions, useStages } from "../../api/queries";
import type { Sorting } from "../../components/data-list";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { useRiskLevels } from "../../components/use-risk-levels";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";
import { AtRiskList } from "./at-risk-list";
import { ListChoice } from "./list-choice";
import { toApiQuery, useListing } from "./listing";
import { ListingFilters } from "./listing-filters";
import { DEFAULT_SORTING } from "./search-and-sort";
import { SearchBar } from "./search-bar";

/** Customers at risk, and others on request, with search, filters and sort order. */
export default function AtRiskPanel() {
  const { listing, change } = useListing();
  const [text, setText] = useState("");
  const [sorting, setSorting] = useState<Sorting>(DEFAULT_SORTING);
  const [page, setPage] = useState(1);
  /** Whatever changes the rows returns to the first page. */
  function fromFirstPage<Value>(change: (value: Value) => void) {
    return (value: Value) => {
      change(value);
      setPage(1);
    };
  }
  const query = usePredictions(toApiQuery(listing, useStages().data?.stages, useRiskLevels()));
  const sort = fromFirstPage(setSorting);
  const t = strings.actionCentre;
  const count = query.data && (
    <span className="count">
      {t.count(formatNumber(query.data.predictions.length), formatNumber(query.data.total), query.data.more)}
    </span>
  );
  return (
    <Panel
      title={
        <>
          {t.titles[listing.group]} {count}
        </>
      }
    >
      <div className="list-head">
        <ListChoice />
      </div>
      <SearchBar text={text} onSearch={fromFirstPage(setText)} sorting={sorting} onSort={sort}>
        <ListingFilters listing={listing} onChange={fromFirstPage(change)} />
      </SearchBar>
      <QueryView query={query} rows={10}>
        {(data) => (
          <AtRiskList {...{ data, group: listing.group, text, sorting, onSort: sort, page, setPage }} />
        )}
      </QueryView>
    </Panel>
  );
}
