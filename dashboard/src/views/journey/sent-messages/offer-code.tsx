import { CopyOutlined } from "@ant-design/icons";
import { App, Button, Tag } from "antd";
import { copyText } from "../../../components/copy-text";
import { formatCalendarDate } from "../../../format/dates";
import { strings } from "../../../strings";

interface Props {
  code: string;
  /** the last day, null if it was not recorded */
  validUntil: string | null;
}

/** An offer's code with a button that copies it, and until when it is valid. */
export function OfferCode({ code, validUntil }: Props) {
  const { message } = App.useApp();
  const t = strings.messages;
  async function copy() {
    if (await copyText(code)) message.success(t.copied(code));
    else message.warning(t.copyFailed);
  }
  return (
    <span className="offer-code">
      <code>{code}</code>
      <Button
        size="small"
        type="text"
        icon={<CopyOutlined aria-hidden />}
        aria-label={t.copy(code)}
        title={t.copy(code)}
        onClick={copy}
      />
      <Validity until={validUntil} />
    </span>
  );
}

function Validity({ until }: { until: string | null }) {
  const t = strings.messages;
  if (until === null) return <small>{t.validityUnknown}</small>;
  const day = formatCalendarDate(until);
  // valid to the end of that day, wherever the day ends last
  const isOver = Date.parse(until) + 36 * 3_600_000 < Date.now();
  return isOver ? <Tag color="error">{t.expired(day)}</Tag> : <small>{t.validUntil(day)}</small>;
}
