import { type ReactNode, useId } from "react";

interface Props {
  title?: ReactNode;
  /** shown next to the title */
  extra?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** Page section with a heading. (antd's Card would add 20 kB, because it includes tabs.) */
export function Panel({ title, extra, className = "", children }: Props) {
  const id = useId();
  if (title === undefined) return <div className={`panel ${className}`}>{children}</div>;
  return (
    <section className={`panel ${className}`} aria-labelledby={id}>
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {extra}
      </div>
      {children}
    </section>
  );
}
