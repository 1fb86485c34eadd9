import { type ReactNode, useEffect, useRef } from "react";
import { strings } from "../strings";

interface Props {
  title: ReactNode;
  /** title of the browser tab */
  documentTitle: string;
  subtitle?: ReactNode;
  /** shown next to the title */
  extra?: ReactNode;
  children: ReactNode;
}

let isFirstPage = true;

/** Page layout: sets the tab title and moves focus to the heading after navigation. */
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
          {subtitle && <div className="subtitle">{subtitle}</div>}
        </div>
        {extra && <div className="page-extra">{extra}</div>}
      </div>
      {children}
    </>
  );
}
