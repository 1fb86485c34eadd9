import { Button } from "antd";
import { strings } from "../strings";

interface Props {
  isLoading: boolean;
  onMore(): void;
}

/** The button below a list that has more rows. */
export function ShowMore({ isLoading, onMore }: Props) {
  return (
    <div className="load-more">
      <Button loading={isLoading} onClick={onMore}>
        {strings.common.showMore}
      </Button>
    </div>
  );
}
