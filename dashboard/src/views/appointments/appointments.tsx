import { Alert, Segmented } from "antd";
import { useSearchParams } from "react-router";
import { useAppointments } from "../../api/queries";
import { ErrorAlert } from "../../components/error-alert";
import { TextSkeleton } from "../../components/loading";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { startOfDay } from "../../format/dates";
import { strings } from "../../strings";
import { BookedList } from "./booked-list";
import { RiskNote } from "./risk-note";
import { UnconfirmedPanel } from "./unconfirmed-panel";

type Period = "today" | "week";

const DAYS: Record<Period, number> = { today: 1, week: 7 };
const PAGE_SIZE = 100;

/** Appointments that are booked for today or the next days, and those of the last days without an outcome. */
export default function Appointments() {
  const [params, setParams] = useSearchParams();
  const period: Period = params.get("period") === "week" ? "week" : "today";
  const t = strings.appointments;
  return (
    <Page
      title={strings.views.appointments}
      documentTitle={strings.views.appointments}
      subtitle={t.lead}
      extra={
        <Segmented<Period>
          aria-label={t.period}
          value={period}
          onChange={(value) => setParams(value === "week" ? { period: value } : {}, { replace: true })}
          options={[
            { value: "today", label: t.periods.today },
            { value: "week", label: t.periods.week },
          ]}
        />
      }
    >
      <div className="column">
        <UnconfirmedPanel />
        <Booked period={period} />
      </div>
    </Page>
  );
}

function Booked({ period }: { period: Period }) {
  const query = useAppointments({
    from: startOfDay().toISOString(),
    to: startOfDay(DAYS[period]).toISOString(),
    limit: PAGE_SIZE,
  });
  const t = strings.appointments;
  const pages = query.data?.pages ?? [];
  return (
    <Panel title={t.booked}>
      {query.isPending && <TextSkeleton rows={8} />}
      {query.isError && pages.length === 0 && (
        <ErrorAlert error={query.error} retry={() => void query.refetch()} />
      )}
      {pages.at(-1)?.is_current === false && <Alert type="info" showIcon title={t.catchingUp} />}
      {pages[0] && (
        <>
          <BookedList
            appointments={pages.flatMap((page) => page.appointments)}
            hasMore={query.hasNextPage}
            isLoading={query.isFetchingNextPage}
            onMore={() => void query.fetchNextPage()}
            none={t.none[period]}
          />
          <RiskNote model={pages[0].no_show_model} />
        </>
      )}
    </Panel>
  );
}
