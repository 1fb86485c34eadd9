import { Button, Empty, Segmented, Timeline } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTimeline } from "../../../api/queries";
import type { Entry } from "../../../api/shapes-of-timeline";
import { ErrorAlert } from "../../../components/error-alert";
import { TextSkeleton } from "../../../components/loading";
import { strings } from "../../../strings";
import { Dot } from "./entry-dot";
import { EntryShown } from "./timeline-entry";

type Kind = "all" | Entry["kind"];
const KINDS: readonly Kind[] = ["all", "transition", "event", "action"];

/** All that happened, newest first; more of it comes as one scrolls. */
export function History({ customerId }: { customerId: string }) {
  const [kind, setKind] = useState<Kind>("all");
  const query = useTimeline(customerId, kind === "all" ? [] : [kind]);
  const said = strings.journey;
  const entries = query.data?.pages.flatMap((page) => page.timeline) ?? [];
  return (
    <>
      <Segmented<Kind>
        className="kinds"
        aria-label={said.kind}
        value={kind}
        onChange={setKind}
        options={KINDS.map((value) => ({ value, label: said.kinds[value] }))}
      />
      {query.isPending && <TextSkeleton rows={10} />}
      {query.isSuccess && entries.length === 0 && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={said.emptyTimeline} />
      )}
      <Timeline
        items={entries.map((entry) => ({
          key: `${entry.kind} ${entry.id}`,
          icon: <Dot entry={entry} />,
          content: <EntryShown entry={entry} customerId={customerId} />,
        }))}
      />
      {query.isError && (
        <ErrorAlert
          error={query.error}
          retry={() => void (query.isFetchNextPageError ? query.fetchNextPage() : query.refetch())}
        />
      )}
      {query.hasNextPage && !query.isError && (
        <More busy={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />
      )}
      {entries.length > 0 && !query.hasNextPage && <p className="quiet">{said.whole}</p>}
    </>
  );
}

/** Loads more when it is scrolled to, or pressed. */
function More({ busy, load }: { busy: boolean; load(): void }) {
  const end = useRef<HTMLDivElement>(null);
  const latest = useRef(load);
  latest.current = load;
  useEffect(() => {
    const element = end.current;
    if (element === null || busy) return;
    const watcher = new IntersectionObserver(([seen]) => seen?.isIntersecting && latest.current(), {
      rootMargin: "400px",
    });
    watcher.observe(element);
    return () => watcher.disconnect();
  }, [busy]);
  return (
    <div ref={end} className="more">
      <Button loading={busy} onClick={load}>
        {strings.common.showMore}
      </Button>
    </div>
  );
}
