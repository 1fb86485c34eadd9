import { Link, Navigate, useParams } from "react-router";
import { Problem } from "../../api/problem";
import { useJourney } from "../../api/queries";
import type { Journey } from "../../api/types";
import { customerPath } from "../../components/customer-link";
import { lazyComponent } from "../../components/lazy-component";
import { TextSkeleton } from "../../components/loading";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { ContactLine } from "./contact-line";
import { CustomerTasks } from "./customer-tasks";
import { CustomerWithoutJourney } from "./customer-without-journey";
import { DoNotContact } from "./do-not-contact";
import { JourneyActions } from "./journey-actions";
import { KeyFigures } from "./key-figures";
import { NextStep } from "./next-step";
import { Notes } from "./notes";
import { usePastInstant } from "./past/past-instant";
import { Scores } from "./scores";
import { SentMessages } from "./sent-messages/sent-messages";
import { StageSummary } from "./stage-summary";
import { JourneyTimeline } from "./timeline/journey-timeline";

const PastPanel = lazyComponent(() => import("./past/past-panel"), <TextSkeleton />);

export default function JourneyView() {
  const { customerId = "" } = useParams();
  return <CustomerJourney key={customerId} customerId={customerId} />;
}

function CustomerJourney({ customerId }: { customerId: string }) {
  const query = useJourney(customerId);
  const t = strings.journey;
  const journey = query.data?.journey;
  if (journey === null) return <CustomerWithoutJourney customerId={customerId} />;
  if (query.error instanceof Problem && (query.error.status === 404 || query.error.status === 422)) {
    return (
      <Page title={t.notFound} documentTitle={t.notFound} subtitle={t.notFoundHint}>
        <Link to="/customers">{t.back}</Link>
      </Page>
    );
  }
  // The id of a customer who was merged into another one.
  if (journey && journey.customer_id !== customerId)
    return <Navigate to={customerPath(journey.customer_id)} replace />;
  const name = journey?.name ?? customerId;
  return (
    <Page
      title={name}
      documentTitle={name}
      subtitle={journey ? <ContactLine customer={journey} since={journey.created_at} /> : customerId}
      extra={journey && <JourneyActions journey={journey} />}
    >
      <QueryView query={query} rows={12}>
        {(data) => data.journey && <JourneyDetails journey={data.journey} />}
      </QueryView>
    </Page>
  );
}

function JourneyDetails({ journey }: { journey: Journey }) {
  const canEdit = useCanEdit();
  const { asOf } = usePastInstant();
  return (
    <>
      <StageSummary journey={journey} />
      <DoNotContact journey={journey} />
      {asOf !== null && <PastPanel journey={journey} asOf={asOf} />}
      <div className="main-and-aside">
        <Panel title={strings.journey.timeline} className="timeline-card">
          <JourneyTimeline customerId={journey.customer_id} />
        </Panel>
        <div className="column">
          <NextStep journey={journey} />
          <Scores journey={journey} />
          <KeyFigures journey={journey} />
          <CustomerTasks customerId={journey.customer_id} />
          <SentMessages customerId={journey.customer_id} />
          <Notes journey={journey} editable={canEdit} />
        </div>
      </div>
    </>
  );
}
