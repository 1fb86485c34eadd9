import { Skeleton, Spin } from "antd";
import { strings } from "../strings";

/** A page that is on its way. */
export function PageSpinner() {
  return (
    <div className="alone" role="status" aria-label={strings.common.loading}>
      <Spin size="large" />
    </div>
  );
}

/** Lines where text will be. */
export function TextSkeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div role="status" aria-label={strings.common.loading}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}
