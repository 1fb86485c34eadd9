import { Empty } from "antd";
import type { Appointment } from "../../api/types";
import { ShowMore } from "../../components/show-more";
import { strings } from "../../strings";
import { AppointmentDays } from "./appointment-days";

interface Props {
  appointments: readonly Appointment[];
  hasMore: boolean;
  isLoading: boolean;
  onMore(): void;
  /** what to say if there are none */
  none: string;
}

/** Booked appointments by day, or how they get here. */
export function BookedList({ appointments, hasMore, isLoading, onMore, none }: Props) {
  const t = strings.appointments;
  if (appointments.length === 0) {
    return (
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={none}>
        <p>{t.noneHint}</p>
        <p>
          <small>
            {t.adminHint}: <a href="/docs">{t.apiDocs}</a>
          </small>
        </p>
      </Empty>
    );
  }
  return (
    <>
      <AppointmentDays appointments={appointments} />
      {hasMore && <ShowMore isLoading={isLoading} onMore={onMore} />}
    </>
  );
}
