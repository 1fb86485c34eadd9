import { type ReactNode, useEffect, useRef } from "react";
import { strings } from "../strings";

interface Props {
  title: ReactNode;
  /** of the browser's tab */
  documentTitle: string;
  subtitle?: ReactNode;
  /** beside the title */
  extra?: ReactNode;
  children: ReactNode;
}

let isFirstPage = true;

/** A view: its title names the tab, and takes the focus when one has gone there. */
export function Page({ title, documentTitle, subtitle, extra, children }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${documentTitle} · ${strings.common.product}`;
  }, [documentTitle]);
  useEffect(() => {
    if (!isFirstPage) heading.current?.focus({ preventScroll: true });
    isFirstPage = false;
  }, []);
  return (
    <>
      <div className="page-head">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {subtitle && <div className="lead">{subtitle}</div>}
        </div>
        {extra && <div className="page-extra">{extra}</div>}
      </div>
      {children}
    </>
  );
}
