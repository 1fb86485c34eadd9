import { Alert, App, Button } from "antd";
import { useAllowContact } from "../../api/mutations";
import type { Journey } from "../../api/types";
import { errorMessage } from "../../components/error-alert";
import { formatDate } from "../../format/dates";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";

/** Says that a customer does not want to be contacted, and lets staff take that back. */
export function DoNotContact({ journey }: { journey: Journey }) {
  const allow = useAllowContact(journey.customer_id);
  const canEdit = useCanEdit();
  const { message } = App.useApp();
  const t = strings.contacts;
  if (journey.do_not_contact_since === null) return null;
  async function handleAllow() {
    try {
      await allow.mutateAsync(undefined);
      message.success(t.allowed);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <Alert
      type="warning"
      showIcon
      title={t.doNotContact(formatDate(journey.do_not_contact_since))}
      description={t.doNotContactHint}
      action={
        canEdit && (
          <Button size="small" loading={allow.isPending} onClick={handleAllow}>
            {t.allow}
          </Button>
        )
      }
    />
  );
}
