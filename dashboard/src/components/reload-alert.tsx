import { Alert, Button } from "antd";
import { strings } from "../strings";

interface Props {
  type: "error" | "warning";
  title: string;
  hint: string;
}

/** What only loading the page again mends, and the button that does it. */
export function ReloadAlert({ type, title, hint }: Props) {
  return (
    <Alert
      type={type}
      showIcon
      title={title}
      description={hint}
      action={<Button onClick={() => location.reload()}>{strings.common.reload}</Button>}
    />
  );
}
