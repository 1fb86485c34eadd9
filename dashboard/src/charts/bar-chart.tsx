import type { ChartTheme } from "./chart-theme";

export interface BarRow {
  key: string;
  name: string;
  value: number;
  /** the value as it is shown */
  label: string;
}

/** One bar a row, the names on the left, the values at their ends. It needs no library, and is there at once. */
export function BarChart({ rows, theme }: { rows: BarRow[]; theme: ChartTheme }) {
  const max = Math.max(1, ...rows.map((row) => row.value));
  return (
    <ul className="bars">
      {rows.map(({ key, name, value, label }) => (
        <li key={key}>
          <span className="bar-name">{name}</span>
          <span className="bar-place">
            <span className="bar" style={{ width: `${(value / max) * 100}%`, background: theme.bar }} />
            <span className="bar-value">{label}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
