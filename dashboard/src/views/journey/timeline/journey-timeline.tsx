import { Button, Empty, Segmented, Timeline } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTimeline } from "../../../api/queries";
import type { Entry } from "../../../api/types";
import { ErrorAlert } from "../../../components/error-alert";
import { TextSkeleton } from "../../../components/loading";
import { strings } from "../../../strings";
import { EntryDot } from "./entry-dot";
import { TimelineEntry } from "./timeline-entry";

type Kind = "all" | Entry["kind"];
const KINDS: readonly Kind[] = ["all", "transition", "event", "action", "contact"];

/** Everything that happened in a journey, newest first, with infinite scrolling. */
export function JourneyTimeline({ customerId }: { customerId: string }) {
  const [kind, setKind] = useState<Kind>("all");
  const query = useTimeline(customerId, kind === "all" ? [] : [kind]);
  const t = strings.journey;
  const entries = query.data?.pages.flatMap((page) => page.timeline) ?? [];
  return (
    <>
      <Segmented<Kind>
        className="timeline-filter"
        aria-label={t.kind}
        value={kind}
        onChange={setKind}
        options={KINDS.map((value) => ({ value, label: t.kinds[value] }))}
      />
      {query.isPending && <TextSkeleton rows={10} />}
      {query.isSuccess && entries.length === 0 && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.emptyTimeline} />
      )}
      <Timeline
        items={entries.map((entry) => ({
          key: `${entry.kind} ${entry.id ?? entry.at}`,
          icon: <EntryDot entry={entry} />,
          content: <TimelineEntry entry={entry} customerId={customerId} />,
        }))}
      />
      {query.isError && (
        <ErrorAlert
          error={query.error}
          retry={() => void (query.isFetchNextPageError ? query.fetchNextPage() : query.refetch())}
        />
      )}
      {query.hasNextPage && !query.isError && (
        <LoadMore isLoading={query.isFetchingNextPage} load={() => void query.fetchNextPage()} />
      )}
      {entries.length > 0 && !query.hasNextPage && <p className="secondary">{t.timelineStart}</p>}
    </>
  );
}

/** Load the next page when scrolled into view or clicked. */
function LoadMore({ isLoading, load }: { isLoading: boolean; load(): void }) {
  const sentinel = useRef<HTMLDivElement>(null);
  const latestLoad = useRef(load);
  latestLoad.current = load;
  useEffect(() => {
    const element = sentinel.current;
    if (element === null || isLoading) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latestLoad.current(), {
      rootMargin: "400px",
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [isLoading]);
  return (
    <div ref={sentinel} className="load-more">
      <Button loading={isLoading} onClick={load}>
        {strings.common.showMore}
      </Button>
    </div>
  );
}
