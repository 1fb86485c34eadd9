import { Alert, Button } from "antd";
import { words } from "../words";

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
      action={<Button onClick={() => location.reload()}>{words.common.reload}</Button>}
    />
  );
}
