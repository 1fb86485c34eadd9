import { Button, Tag } from "antd";
import { useState } from "react";
import { useSentMessages } from "../../../api/queries";
import type { SentMessage } from "../../../api/types";
import { ErrorAlert } from "../../../components/error-alert";
import { lazyComponent } from "../../../components/lazy-component";
import { TextSkeleton } from "../../../components/loading";
import { Panel } from "../../../components/panel";
import { ShowMore } from "../../../components/show-more";
import { formatDateTime } from "../../../format/dates";
import { actionLabel, label } from "../../../format/labels";
import { strings } from "../../../strings";
import { OfferCode } from "./offer-code";

const MessageDialog = lazyComponent(() => import("./message-dialog"), null);

/** Panel with the messages that were sent to a customer. */
export function SentMessages({ customerId }: { customerId: string }) {
  const [opened, setOpened] = useState<SentMessage | null>(null);
  return (
    <Panel title={strings.messages.title}>
      <MessageList customerId={customerId} onOpen={setOpened} />
      {opened && <MessageDialog message={opened} onClose={() => setOpened(null)} />}
    </Panel>
  );
}

function MessageList({ customerId, onOpen }: { customerId: string; onOpen(message: SentMessage): void }) {
  const query = useSentMessages(customerId);
  const t = strings.messages;
  if (query.isPending) return <TextSkeleton rows={4} />;
  if (query.data === undefined) return <ErrorAlert error={query.error} retry={() => void query.refetch()} />;
  const messages = query.data.pages.flatMap((page) => page.messages);
  if (messages.length === 0) {
    return (
      <>
        <p>{t.none}</p>
        <p className="secondary">{t.noneHint}</p>
      </>
    );
  }
  return (
    <>
      <ul className="sent-messages" aria-label={t.list}>
        {messages.map((message) => (
          <li key={message.id}>
            <MessageRow message={message} onOpen={onOpen} />
          </li>
        ))}
      </ul>
      {query.hasNextPage && (
        <ShowMore isLoading={query.isFetchingNextPage} onMore={() => void query.fetchNextPage()} />
      )}
    </>
  );
}

function MessageRow({ message, onOpen }: { message: SentMessage; onOpen(message: SentMessage): void }) {
  const t = strings.messages;
  const name = message.subject || actionLabel(message.action);
  const when = formatDateTime(message.sent_at);
  return (
    <>
      <Button
        type="link"
        className="message-name"
        aria-label={t.open(name, when)}
        onClick={() => onOpen(message)}
      >
        {name}
      </Button>
      <p className="entry-line">
        <time dateTime={message.sent_at}>{when}</time>
        <Tag>{label("channels", message.channel)}</Tag>
        {message.audience === "staff" && <Tag>{t.staff}</Tag>}
      </p>
      {message.offer && <OfferCode code={message.offer.code} validUntil={message.offer.valid_until} />}
    </>
  );
}
