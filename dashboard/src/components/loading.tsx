import { Skeleton, Spin } from "antd";
import { strings } from "../strings";

/** Spinner for a page that is loading. */
export function PageSpinner() {
  return (
    <div className="centred" role="status" aria-label={strings.common.loading}>
      <Spin size="large" />
    </div>
  );
}

/** Placeholder lines for text that is loading. */
export function TextSkeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label={strings.common.loading}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}
