import { Alert, Empty } from "antd";
import { useMemo, useState } from "react";
import type { Predictions } from "../../api/types";
import { DataList, type Selection, type Sorting } from "../../components/data-list";
import { Pagination } from "../../components/pagination";
import { searchRows } from "../../format/customer-search";
import { useCanEdit, useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { BulkActions } from "./bulk-actions";
import { columns } from "./columns";
import type { Group } from "./listing";
import { type SortKey, sortRows } from "./search-and-sort";

/** rows per page */
const TABLE_PAGE_SIZE = 20;
const CARD_PAGE_SIZE = 8;

interface Props {
  data: Predictions;
  group: Group;
  text: string;
  sorting: Sorting;
  onSort(sorting: Sorting): void;
  page: number;
  setPage(page: number): void;
}

/** The listed customers. The API returns all of them, so searching, sorting and paging happen here. */
export function AtRiskList({ data, group, text, sorting, onSort, page, setPage }: Props) {
  const [selected, setSelected] = useState<string[]>([]);
  const currency = useCurrency();
  const canEdit = useCanEdit();
  const pageSize = useNarrow() ? CARD_PAGE_SIZE : TABLE_PAGE_SIZE;
  const t = strings.actionCentre;
  const { predictions, model } = data;
  const rows = useMemo(
    () => sortRows(searchRows(predictions, text), sorting.key as SortKey, sorting.descending),
    [predictions, text, sorting],
  );
  const names = useMemo(
    () => new Map(predictions.map((row) => [row.customer_id, row.name ?? row.customer_id])),
    [predictions],
  );
  const nameOf = (id: string) => names.get(id) ?? id;
  // Drop selected customers who are no longer at risk.
  const selectedIds = selected.filter((id) => names.has(id));
  const lastPage = Math.max(1, Math.ceil(rows.length / pageSize));
  const currentPage = Math.min(page, lastPage);
  const selection: Selection = {
    selectedIds: selectedIds,
    onChange: setSelected,
    labelFor: (id) => t.select(nameOf(id)),
    selectAllLabel: t.selectAll,
  };
  const emptyState = (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text === "" ? t.empty[group] : t.noMatches}>
      {text === "" && <p className="secondary">{t.emptyHint[group]}</p>}
    </Empty>
  );
  return (
    <>
      {typeof model?.reason === "string" && (
        <Alert type="info" showIcon className="model-notice" title={t.modelUnavailable(model.reason)} />
      )}
      {canEdit && selectedIds.length > 0 && (
        <BulkActions customers={selectedIds} nameOf={nameOf} clearSelection={() => setSelected([])} />
      )}
      <DataList
        label={t.titles[group]}
        dense
        rows={rows.slice((currentPage - 1) * pageSize, currentPage * pageSize)}
        rowKey={(row) => row.customer_id}
        columns={columns(currency, canEdit)}
        sorting={sorting}
        onSort={onSort}
        selection={canEdit ? selection : undefined}
        empty={emptyState}
      />
      <Pagination
        page={currentPage}
        pages={lastPage}
        onPrevious={currentPage > 1 ? () => setPage(currentPage - 1) : null}
        onNext={currentPage < lastPage ? () => setPage(currentPage + 1) : null}
      />
    </>
  );
}
