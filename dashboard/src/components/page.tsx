import { type ReactNode, useEffect, useRef } from "react";
import { strings } from "../strings";

interface Props {
  title: ReactNode;
  /** of the browser's tab */
  tab: string;
  lead?: ReactNode;
  /** beside the title */
  extra?: ReactNode;
  children: ReactNode;
}

let first = true;

/** A view: its title names the tab, and takes the focus when one has gone there. */
export function Page({ title, tab, lead, extra, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${tab} · ${strings.common.product}`;
  }, [tab]);
  useEffect(() => {
    if (!first) heading.current?.focus({ preventScroll: true });
    first = false;
  }, []);
  return (
    <>
      <div className="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {lead && <div className="lead">{lead}</div>}
        </div>
        {extra && <div className="page-extra">{extra}</div>}
      </div>
      {children}
    </>
  );
}
