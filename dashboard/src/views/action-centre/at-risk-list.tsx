import { Alert, Empty } from "antd";
import { useMemo, useState } from "react";
import type { Predictions } from "../../api/shapes-of-work";
import { DataList, type Selection, type Sorting } from "../../components/data-list";
import { Pagination } from "../../components/pagination";
import { useCanEdit, useCurrency } from "../../session/session";
import { strings } from "../../strings";
import { useNarrow } from "../../theme";
import { Bulk } from "./bulk-actions";
import { columns } from "./columns";
import { matching, type SortKey, sorted } from "./search-and-sort";
import { Find } from "./search-bar";

/** rows of a page: of a table, of cards */
const ROWS = 20;
const CARDS = 8;

/** The at-risk customers: found, sorted and paged here, for the gateway sends them all. */
export function AtRisk({ found }: { found: Predictions }) {
  const [text, setText] = useState("");
  const [sorting, setSorting] = useState<Sorting>({ key: "risk_score", descending: true });
  const [page, setPage] = useState(1);
  const [selected, setSelected] = useState<string[]>([]);
  const currency = useCurrency();
  const canEdit = useCanEdit();
  const size = useNarrow() ? CARDS : ROWS;
  const said = strings.actionCentre;
  const { predictions, model } = found;
  const rows = useMemo(
    () => sorted(matching(predictions, text), sorting.key as SortKey, sorting.descending),
    [predictions, text, sorting],
  );
  const names = useMemo(
    () => new Map(predictions.map((row) => [row.customer_id, row.name ?? row.customer_id])),
    [predictions],
  );
  const nameOf = (id: string) => names.get(id) ?? id;
  // Who is not at risk any more cannot be selected either.
  const keys = selected.filter((id) => names.has(id));
  const last = Math.max(1, Math.ceil(rows.length / size));
  const shown = Math.min(page, last);
  const selection: Selection = {
    keys,
    onChange: setSelected,
    labelFor: (id) => said.select(nameOf(id)),
    selectAllLabel: said.selectAll,
  };
  const nobody = (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={text === "" ? said.empty : said.emptyFilter}>
      {text === "" && <p className="quiet">{said.emptyHint}</p>}
    </Empty>
  );
  return (
    <>
      {typeof model?.reason === "string" && (
        <Alert type="info" showIcon className="model" title={said.noModel(model.reason)} />
      )}
      {predictions.length > 0 && (
        <Find text={text} find={setText} sorting={sorting} sort={setSorting} begin={() => setPage(1)} />
      )}
      {canEdit && keys.length > 0 && <Bulk customers={keys} nameOf={nameOf} clear={() => setSelected([])} />}
      <DataList
        label={said.atRisk}
        dense
        rows={rows.slice((shown - 1) * size, shown * size)}
        rowKey={(row) => row.customer_id}
        columns={columns(currency, canEdit)}
        sorting={sorting}
        onSort={(next) => {
          setSorting(next);
          setPage(1);
        }}
        selection={canEdit ? selection : undefined}
        empty={nobody}
      />
      <Pagination
        page={shown}
        pages={last}
        onPrevious={shown > 1 ? () => setPage(shown - 1) : null}
        onNext={shown < last ? () => setPage(shown + 1) : null}
      />
    </>
  );
}
