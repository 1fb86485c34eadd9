import { ReloadOutlined } from "@ant-design/icons";
import { Alert, Button } from "antd";
import { Problem } from "../api/problem";
import { words } from "../words";

interface Props {
  error?: Error | null;
  title?: string;
  retry?: () => void;
}

/** What could not be loaded, why, and another try. */
export function Failed({ error, title = words.common.failed, retry }: Props) {
  return (
    <Alert
      type="error"
      showIcon
      title={title}
      description={error ? problemInWords(error) : undefined}
      action={
        retry && (
          <Button size="small" icon={<ReloadOutlined />} onClick={retry}>
            {words.common.retry}
          </Button>
        )
      }
    />
  );
}

/** What an error says to a person. */
export function problemInWords(error: Error): string {
  if (!(error instanceof Problem)) return error.message;
  if (error.status === 0) return words.common.unanswered;
  return error.detail ?? error.title;
}
