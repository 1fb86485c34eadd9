export interface BarRow {
  key: string;
  name: string;
  value: number;
  colour: string;
  /** formatted value */
  label: string;
}

/** Horizontal bar chart in plain HTML, which does not have to wait for the chart library. */
export function BarChart({ rows }: { rows: BarRow[] }) {
  const max = Math.max(1, ...rows.map((row) => row.value));
  return (
    <ul className="bars">
      {rows.map(({ key, name, value, colour, label }) => (
        <li key={key}>
          <span className="bar-name">{name}</span>
          <span className="bar-track">
            <span className="bar" style={{ width: `${(value / max) * 100}%`, background: colour }} />
            <span className="bar-value">{label}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
