import type { ChartTheme } from "./chart-theme";

export interface BarRow {
  key: string;
  name: string;
  value: number;
  /** the value as it is shown */
  shown: string;
}

/** One bar a row, the names on the left, the values at their ends. It needs no library, and is there at once. */
export function Bars({ rows, theme }: { rows: BarRow[]; theme: ChartTheme }) {
  const largest = Math.max(1, ...rows.map((row) => row.value));
  return (
    <ul className="bars">
      {rows.map(({ key, name, value, shown }) => (
        <li key={key}>
          <span className="bar-name">{name}</span>
          <span className="bar-place">
            <span className="bar" style={{ width: `${(value / largest) * 100}%`, background: theme.bar }} />
            <span className="bar-value">{shown}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
