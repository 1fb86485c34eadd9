import { type ReactNode, useId } from "react";

interface Props {
  title?: ReactNode;
  /** beside the title */
  extra?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A part of a page that stands for itself, with its heading. (antd's Card would bring its tabs with it, 20 kB.) */
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
