import { ReloadOutlined } from "@ant-design/icons";
import { Alert, Button } from "antd";
import { Problem } from "../api/problem";
import { strings } from "../strings";

interface Props {
  error?: Error | null;
  title?: string;
  retry?: () => void;
}

/** Error message with an optional retry button. */
export function ErrorAlert({ error, title = strings.common.loadFailed, retry }: Props) {
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      description={error ? errorMessage(error) : undefined}
      action={
        retry && (
          <Button size="small" icon={<ReloadOutlined />} onClick={retry}>
            {strings.common.retry}
          </Button>
        )
      }
    />
  );
}

/** Return the message to show for an error. */
export function errorMessage(error: Error): string {
  if (!(error instanceof Problem)) return error.message;
  if (error.status === 0) return strings.common.serverUnreachable;
  return error.detail ?? error.title;
}
