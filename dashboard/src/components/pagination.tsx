import { LeftOutlined, RightOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { formatNumber } from "../format/numbers";
import { strings } from "../strings";

interface Props {
  page: number;
  /** null: not known */
  pages: number | null;
  previous: (() => void) | null;
  next: (() => void) | null;
}

/** The way from page to page; nothing where there is but one. */
export function Pagination({ page, pages, previous, next }: Props) {
  if (previous === null && next === null) return null;
  const { common } = strings;
  const shown = formatNumber(page);
  return (
    <nav aria-label={common.pages} className="pages">
      <Button
        icon={<LeftOutlined aria-hidden />}
        disabled={previous === null}
        onClick={previous ?? undefined}
      >
        {common.previous}
      </Button>
      <span role="status">
        {pages === null ? common.page(shown) : common.pageOf(shown, formatNumber(pages))}
      </span>
      <Button
        icon={<RightOutlined aria-hidden />}
        iconPlacement="end"
        disabled={next === null}
        onClick={next ?? undefined}
      >
        {common.next}
      </Button>
    </nav>
  );
}
