import { Pagination } from "./pagination";

interface Props {
  /** the cursors of the pages after the first one, up to the current page */
  cursors: string[];
  /** the cursor of the next page; null on the last page */
  next: string | null;
  /** null if unknown */
  pages?: number | null;
  onChange(cursors: string[]): void;
}

/** Previous and next buttons of a list that the API returns in pages with cursors. */
export function CursorPagination({ cursors, next, pages = null, onChange }: Props) {
  return (
    <Pagination
      page={cursors.length + 1}
      pages={pages}
      onNext={next === null ? null : () => onChange([...cursors, next])}
      onPrevious={cursors.length === 0 ? null : () => onChange(cursors.slice(0, -1))}
    />
  );
}
