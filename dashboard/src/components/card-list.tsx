import { type DataListProps, RowCheckbox } from "./data-list";

/** List for narrow windows: one card per row. */
export function CardList<Row extends object>({
  label,
  rows,
  rowKey,
  columns,
  selection,
  isLoading,
}: DataListProps<Row>) {
  const [name, ...rest] = columns;
  return (
    <ul className="cards" aria-label={label} aria-busy={isLoading ?? false}>
      {rows.map((row) => {
        const id = rowKey(row);
        return (
          <li key={id} className="row-card">
            <div className="row-card-head">
              <div className="row-card-name">{name?.render(row)}</div>
              {selection && <RowCheckbox selection={selection} id={id} />}
            </div>
            <dl>
              {rest.map((column) => (
                <div key={column.key}>
                  <dt>{column.title}</dt>
                  <dd>{column.render(row)}</dd>
                </div>
              ))}
            </dl>
          </li>
        );
      })}
    </ul>
  );
}
