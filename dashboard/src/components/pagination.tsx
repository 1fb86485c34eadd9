import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { formatNumber } from "../format/numbers";
import { strings } from "../strings";

interface Props {
  page: number;
  /** null if unknown */
  pages: number | null;
  onPrevious: (() => void) | null;
  onNext: (() => void) | null;
}

/** Previous and next buttons; renders nothing if there is only one page. */
export function Pagination({ page, pages, onPrevious, onNext }: Props) {
  if (onPrevious === null && onNext === null) return null;
  const { common } = strings;
  const pageNumber = formatNumber(page);
  return (
    <nav aria-label={common.pages} className="pagination">
      <Button
        icon={<LeftOutlined aria-hidden />}
        disabled={onPrevious === null}
        onClick={onPrevious ?? undefined}
      >
        {common.previous}
      </Button>
      <span role="status">
        {pages === null ? common.page(pageNumber) : common.pageOf(pageNumber, formatNumber(pages))}
      </span>
      <Button
        icon={<RightOutlined aria-hidden />}
        iconPlacement="end"
        disabled={onNext === null}
        onClick={onNext ?? undefined}
      >
        {common.next}
      </Button>
    </nav>
  );
}
