import { Checkbox, Table, type TableColumnsType } from "antd";
import type { ReactNode } from "react";
import { useNarrow } from "../theme";
import { CardList } from "./card-list";

export interface Column<Row> {
  key: string;
  title: string;
  render: (row: Row) => ReactNode;
  /** whether the list can be sorted by it */
  sorts?: boolean;
  align?: "right";
  width?: number;
}

export interface Sorting {
  key: string;
  descending: boolean;
}

export interface Selection {
  keys: readonly string[];
  change(keys: string[]): void;
  labelOf(key: string): string;
  labelOfAll: string;
}

export interface DataListProps<Row> {
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** the first one names the row */
  columns: readonly Column<Row>[];
  sorting: Sorting;
  onSort(sorting: Sorting): void;
  busy?: boolean;
  /** many columns, little room */
  dense?: boolean;
  selection?: Selection | undefined;
  empty: ReactNode;
}

/** DataTable of a kind: a table, or a list of cards where the window is narrow. */
export function DataList<Row extends object>(props: DataListProps<Row>) {
  const narrow = useNarrow();
  if (props.rows.length === 0) return props.empty;
  return narrow ? <CardList {...props} /> : <DataTable {...props} />;
}

function DataTable<Row extends object>(props: DataListProps<Row>) {
  const { label, rows, rowKey, columns, sorting, onSort, busy = false, dense = false, selection } = props;
  const shown: TableColumnsType<Row> = columns.map((column) => ({
    key: column.key,
    title: column.title,
    render: (_: unknown, row: Row) => column.render(row),
    ...(column.align ? { align: column.align } : {}),
    ...(column.width ? { width: column.width } : {}),
    sorter: column.sorts ?? false,
    sortDirections: ["descend", "ascend"],
    sortOrder: sorting.key === column.key ? (sorting.descending ? "descend" : "ascend") : null,
  }));
  return (
    <Table<Row>
      aria-label={label}
      className="listing"
      size={dense ? "small" : "middle"}
      columns={shown}
      dataSource={rows as Row[]}
      rowKey={rowKey}
      loading={{ spinning: busy, delay: 300 }}
      pagination={false}
      showSorterTooltip={false}
      onChange={(_page, _filters, sorter) => {
        const chosen = Array.isArray(sorter) ? sorter[0] : sorter;
        // A third click would mean no order at all; a list always has one.
        const key = String(chosen?.columnKey ?? sorting.key);
        onSort({ key, descending: chosen?.order ? chosen.order === "descend" : !sorting.descending });
      }}
      {...(selection ? { rowSelection: rowSelection(selection, rowKey) } : {})}
    />
  );
}

function rowSelection<Row>(selection: Selection, rowKey: (row: Row) => string) {
  return {
    selectedRowKeys: [...selection.keys],
    // Who was selected on another page stays so.
    preserveSelectedRowKeys: true,
    onChange: (keys: React.Key[]) => selection.change(keys.map(String)),
    getCheckboxProps: (row: Row) => ({ "aria-label": selection.labelOf(rowKey(row)) }) as object,
    getTitleCheckboxProps: () => ({ "aria-label": selection.labelOfAll }) as object,
  };
}

export function RowCheckbox({ selection, id }: { selection: Selection; id: string }) {
  const { keys, change, labelOf } = selection;
  return (
    <Checkbox
      aria-label={labelOf(id)}
      checked={keys.includes(id)}
      onChange={({ target }) => change(target.checked ? [...keys, id] : keys.filter((key) => key !== id))}
    />
  );
}
