import { Empty } from "antd";
import { Navigate } from "react-router";
import { useProfile } from "../../api/queries";
import { customerPath } from "../../components/customer-link";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { MergeButton } from "../../merging/merge-button";
import { strings } from "../../strings";
import { ContactLine } from "./contact-line";

/** A customer who has a profile, but nothing has happened yet. The page changes with their first event. */
export function CustomerWithoutJourney({ customerId }: { customerId: string }) {
  const query = useProfile(customerId);
  const profile = query.data;
  if (profile && profile.customer_id !== customerId)
    return <Navigate to={customerPath(profile.customer_id)} replace />;
  const name = profile?.name ?? customerId;
  return (
    <Page
      title={name}
      documentTitle={name}
      extra={profile && <MergeButton customer={profile} />}
      subtitle={profile ? <ContactLine customer={profile} since={null} /> : customerId}
    >
      <QueryView query={query}>
        {() => (
          <Panel title={strings.journey.timeline}>
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={strings.journey.noEvents}>
              <p className="secondary">{strings.journey.noEventsHint}</p>
            </Empty>
          </Panel>
        )}
      </QueryView>
    </Page>
  );
}
