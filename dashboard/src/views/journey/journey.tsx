import { Link, useParams } from "react-router";
import { Problem } from "../../api/problem";
import { useJourney } from "../../api/queries";
import type { JourneyShown } from "../../api/shapes";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { formatDate } from "../../format/dates";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { CustomerTasks } from "./customer-tasks";
import { Buttons } from "./journey-actions";
import { Figures } from "./key-figures";
import { Next } from "./next-step";
import { Notes } from "./notes";
import { Scores } from "./scores";
import { Standing } from "./stage-summary";
import { History } from "./timeline/journey-timeline";

export default function Journey() {
  const { customerId = "" } = useParams();
  return <Of key={customerId} customerId={customerId} />;
}

function Of({ customerId }: { customerId: string }) {
  const query = useJourney(customerId);
  const said = strings.journey;
  const journey = query.data?.journey;
  if (query.error instanceof Problem && (query.error.status === 404 || query.error.status === 422)) {
    return (
      <Page title={said.notFound} documentTitle={said.notFound} subtitle={said.notFoundHint}>
        <Link to="/customers">{said.back}</Link>
      </Page>
    );
  }
  const name = journey?.name ?? customerId;
  return (
    <Page
      title={name}
      documentTitle={name}
      subtitle={journey ? <Lead journey={journey} /> : customerId}
      extra={journey && <Buttons journey={journey} />}
    >
      <QueryView query={query} rows={12}>
        {(found) => <Whole journey={found.journey} />}
      </QueryView>
    </Page>
  );
}

function Whole({ journey }: { journey: JourneyShown }) {
  const canEdit = useCanEdit();
  return (
    <>
      <Standing journey={journey} />
      <div className="aside-grid">
        <Panel title={strings.journey.timeline} className="timeline-card">
          <History customerId={journey.customer_id} />
        </Panel>
        <div className="column">
          <Next journey={journey} />
          <Scores journey={journey} />
          <Figures journey={journey} />
          <CustomerTasks customerId={journey.customer_id} />
          <Notes journey={journey} editable={canEdit} />
        </div>
      </div>
    </>
  );
}

function Lead({ journey }: { journey: JourneyShown }) {
  const parts = [
    journey.name ? strings.journey.id(journey.customer_id) : null,
    journey.email && <a href={`mailto:${journey.email}`}>{journey.email}</a>,
    journey.phone && <a href={`tel:${journey.phone.replaceAll(/[^+0-9]/g, "")}`}>{journey.phone}</a>,
    strings.journey.since(formatDate(journey.created_at)),
  ];
  return (
    <ul className="dotted">
      {parts.filter(Boolean).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places are fixed
        <li key={index}>{part}</li>
      ))}
    </ul>
  );
}
