import { Skeleton, Spin } from "antd";
import { words } from "../words";

/** A page that is on its way. */
export function Loading() {
  return (
    <div className="alone" role="status" aria-label={words.common.loading}>
      <Spin size="large" />
    </div>
  );
}

/** Lines where text will be. */
export function LinesToCome({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label={words.common.loading}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}
