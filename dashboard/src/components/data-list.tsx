import { Checkbox, Table, type TableColumnsType } from "antd";
import type { ReactNode } from "react";
import { useNarrow } from "../theme";
import { CardList } from "./card-list";

export interface Column<Row> {
  key: string;
  title: string;
  render: (row: Row) => ReactNode;
  /** whether users can sort by this column */
  sortable?: boolean;
  align?: "right";
  width?: number;
}

export interface Sorting {
  key: string;
  descending: boolean;
}

export interface Selection {
  selectedIds: readonly string[];
  onChange(keys: string[]): void;
  labelFor(key: string): string;
  selectAllLabel: string;
  /** whether a row can be selected; by default, every row can */
  isSelectable?(key: string): boolean;
}

export interface DataListProps<Row> {
  label: string;
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** the first column identifies the row */
  columns: readonly Column<Row>[];
  /** undefined for a list in a fixed order */
  sorting?: Sorting;
  onSort?(sorting: Sorting): void;
  isLoading?: boolean;
  /** compact layout for many columns */
  dense?: boolean;
  selection?: Selection | undefined;
  empty: ReactNode;
}

/** List of rows: a table, or cards in narrow windows. */
export function DataList<Row extends object>(props: DataListProps<Row>) {
  const narrow = useNarrow();
  if (props.rows.length === 0) return props.empty;
  return narrow ? <CardList {...props} /> : <DataTable {...props} />;
}

function DataTable<Row extends object>(props: DataListProps<Row>) {
  const {
    label,
    rows,
    rowKey,
    columns,
    sorting,
    onSort,
    isLoading = false,
    dense = false,
    selection,
  } = props;
  const tableColumns: TableColumnsType<Row> = columns.map((column) => ({
    key: column.key,
    title: column.title,
    render: (_: unknown, row: Row) => column.render(row),
    ...(column.align ? { align: column.align } : {}),
    ...(column.width ? { width: column.width } : {}),
    sorter: column.sortable ?? false,
    sortDirections: ["descend", "ascend"],
    sortOrder: sorting?.key === column.key ? (sorting.descending ? "descend" : "ascend") : null,
  }));
  return (
    <Table<Row>
      aria-label={label}
      className="data-list"
      size={dense ? "small" : "middle"}
      columns={tableColumns}
      dataSource={rows as Row[]}
      rowKey={rowKey}
      loading={{ spinning: isLoading, delay: 300 }}
      pagination={false}
      showSorterTooltip={false}
      onChange={(_page, _filters, sorter) => {
        if (sorting === undefined) return;
        const activeSorter = Array.isArray(sorter) ? sorter[0] : sorter;
        // antd removes the sorting on the third click; this list is always sorted.
        const key = String(activeSorter?.columnKey ?? sorting.key);
        onSort?.({
          key,
          descending: activeSorter?.order ? activeSorter.order === "descend" : !sorting.descending,
        });
      }}
      {...(selection ? { rowSelection: rowSelection(selection, rowKey) } : {})}
    />
  );
}

function rowSelection<Row>(selection: Selection, rowKey: (row: Row) => string) {
  return {
    selectedRowKeys: [...selection.selectedIds],
    // Keep the selection of other pages.
    preserveSelectedRowKeys: true,
    onChange: (keys: React.Key[]) => selection.onChange(keys.map(String)),
    getCheckboxProps: (row: Row) =>
      ({
        "aria-label": selection.labelFor(rowKey(row)),
        disabled: selection.isSelectable?.(rowKey(row)) === false,
      }) as object,
    getTitleCheckboxProps: () => ({ "aria-label": selection.selectAllLabel }) as object,
  };
}

export function RowCheckbox({ selection, id }: { selection: Selection; id: string }) {
  if (selection.isSelectable?.(id) === false) return null;
  const { selectedIds: keys, onChange, labelFor } = selection;
  return (
    <Checkbox
      aria-label={labelFor(id)}
      checked={keys.includes(id)}
      onChange={({ target }) => onChange(target.checked ? [...keys, id] : keys.filter((key) => key !== id))}
    />
  );
}
