import { Alert, Button } from "antd";
import { strings } from "../strings";

interface Props {
  type: "error" | "warning";
  title: string;
  hint: string;
}

/** Alert with a button that reloads the page, for errors that nothing else can resolve. */
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
