import { Link, useParams } from "react-router";
import { Problem } from "../../api/problem";
import { useJourney } from "../../api/queries";
import type { Journey } from "../../api/types";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { formatDate } from "../../format/dates";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { CustomerTasks } from "./customer-tasks";
import { JourneyActions } from "./journey-actions";
import { KeyFigures } from "./key-figures";
import { NextStep } from "./next-step";
import { Notes } from "./notes";
import { Scores } from "./scores";
import { StageSummary } from "./stage-summary";
import { JourneyTimeline } from "./timeline/journey-timeline";

export default function JourneyView() {
  const { customerId = "" } = useParams();
  return <CustomerJourney key={customerId} customerId={customerId} />;
}

function CustomerJourney({ customerId }: { customerId: string }) {
  const query = useJourney(customerId);
  const t = strings.journey;
  const journey = query.data?.journey;
  if (query.error instanceof Problem && (query.error.status === 404 || query.error.status === 422)) {
    return (
      <Page title={t.notFound} documentTitle={t.notFound} subtitle={t.notFoundHint}>
        <Link to="/customers">{t.back}</Link>
      </Page>
    );
  }
  const name = journey?.name ?? customerId;
  return (
    <Page
      title={name}
      documentTitle={name}
      subtitle={journey ? <ContactLine journey={journey} /> : customerId}
      extra={journey && <JourneyActions journey={journey} />}
    >
      <QueryView query={query} rows={12}>
        {(data) => <JourneyDetails journey={data.journey} />}
      </QueryView>
    </Page>
  );
}

function JourneyDetails({ journey }: { journey: Journey }) {
  const canEdit = useCanEdit();
  return (
    <>
      <StageSummary journey={journey} />
      <div className="main-and-aside">
        <Panel title={strings.journey.timeline} className="timeline-card">
          <JourneyTimeline customerId={journey.customer_id} />
        </Panel>
        <div className="column">
          <NextStep journey={journey} />
          <Scores journey={journey} />
          <KeyFigures journey={journey} />
          <CustomerTasks customerId={journey.customer_id} />
          <Notes journey={journey} editable={canEdit} />
        </div>
      </div>
    </>
  );
}

/** A link that dials a number; without the country of a national one, it has its digits. */
function phoneLink(phone: string): string {
  return `tel:${phone.replace(/[a-z#].*$/i, "").replaceAll(/[^+0-9]/g, "")}`;
}

function ContactLine({ journey }: { journey: Journey }) {
  const parts = [
    journey.name ? strings.journey.id(journey.customer_id) : null,
    journey.email && <a href={`mailto:${journey.email}`}>{journey.email}</a>,
    journey.phone && <a href={phoneLink(journey.phone_e164 ?? journey.phone)}>{journey.phone}</a>,
    strings.journey.since(formatDate(journey.created_at)),
  ];
  return (
    <ul className="contact-line">
      {parts.filter(Boolean).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the places are fixed
        <li key={index}>{part}</li>
      ))}
    </ul>
  );
}
