import { Alert, Modal, Segmented } from "antd";
import { useState } from "react";
import type { SentMessage } from "../../../api/types";
import { formatDateTime } from "../../../format/dates";
import { actionLabel } from "../../../format/labels";
import { strings } from "../../../strings";
import { OfferCode } from "./offer-code";

interface Props {
  message: SentMessage;
  onClose(): void;
}

/** Dialog with a message as it was sent. */
export default function MessageDialog({ message, onClose }: Props) {
  const t = strings.messages;
  const cause = actionLabel(message.action);
  const rows = [
    [t.to, message.to],
    [t.sent, formatDateTime(message.sent_at)],
    [t.cause, cause],
    [t.allowed, message.allowed_by === null ? null : (t.allowedBy[message.allowed_by] ?? message.allowed_by)],
  ];
  return (
    <Modal open title={message.subject || cause} footer={null} width={680} onCancel={onClose}>
      <div className="message-preview">
        <dl className="key-values">
          {rows.map(
            ([name, value]) =>
              value && (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ),
          )}
          {message.offer && (
            <div>
              <dt>{t.offer}</dt>
              <dd>
                <OfferCode code={message.offer.code} validUntil={message.offer.valid_until} />
              </dd>
            </div>
          )}
        </dl>
        {message.kept ? <Body message={message} /> : <Alert type="info" showIcon title={t.notKept} />}
      </div>
    </Modal>
  );
}

function Body({ message: { html, text } }: { message: SentMessage }) {
  const [format, setFormat] = useState<"html" | "text">(html === null ? "text" : "html");
  const t = strings.messages;
  return (
    <>
      {html !== null && (
        <Segmented
          aria-label={t.format}
          value={format}
          onChange={setFormat}
          options={[
            { value: "html", label: t.formats.html },
            { value: "text", label: t.formats.text },
          ]}
        />
      )}
      {format === "html" && html !== null ? (
        // A company's own templates are not trusted: no scripts, no forms, no access to this page, no way out of it.
        <iframe className="message-html" title={t.htmlTitle} sandbox="" srcDoc={html} />
      ) : (
        <p className="user-text message-text">{text}</p>
      )}
      <p className="secondary">{t.hiddenLinks}</p>
    </>
  );
}
