import { Alert, App, Descriptions, Form, Modal, Radio, Select } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";
import { useCustomers } from "../api/queries";
import type { CustomerMerge } from "../api/types";
import { customerPath } from "../components/customer-link";
import { ErrorAlert, errorMessage } from "../components/error-alert";
import { PageSpinner } from "../components/loading";
import { useStageStyle } from "../components/stage-style";
import { formatNumber } from "../format/numbers";
import { strings } from "../strings";
import { useMerge, useMergePreview } from "./merges";

export interface Person {
  customer_id: string;
  name: string | null;
}

interface Props {
  customer: Person;
  /** the other customer, if it is known already */
  other?: Person;
  onClose(): void;
}

/** Dialog to merge two customers, after it has shown what this will do. */
export function MergeDialog({ customer, other: known, onClose }: Props) {
  const [other, setOther] = useState<Person | null>(known ?? null);
  const [keeps, setKeeps] = useState(customer.customer_id);
  const { message } = App.useApp();
  const navigate = useNavigate();
  const merge = useMerge();
  const t = strings.merges;
  const merged = other === null || keeps === other.customer_id ? customer : other;
  const preview = useMergePreview(other && merged.customer_id, keeps);

  async function confirm() {
    try {
      const result = await merge.mutateAsync({ customerId: merged.customer_id, into: keeps });
      message.success(t.done);
      onClose();
      navigate(customerPath(result.into), { replace: true });
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }

  return (
    <Modal
      open
      title={t.title}
      okText={t.confirm}
      okButtonProps={{ danger: true, disabled: !preview.data || preview.isFetching }}
      cancelText={strings.common.cancel}
      confirmLoading={merge.isPending}
      onOk={confirm}
      onCancel={onClose}
    >
      <p>{t.intro}</p>
      <Form layout="vertical">
        {known === undefined && (
          <Form.Item label={t.search} htmlFor="merge-search">
            <CustomerSearch
              except={customer.customer_id}
              onChange={(found) => {
                setOther(found);
                setKeeps(customer.customer_id);
              }}
            />
          </Form.Item>
        )}
        {other && (
          <Form.Item label={t.keep}>
            <Radio.Group
              vertical
              aria-label={t.keep}
              value={keeps}
              onChange={(event) => setKeeps(event.target.value)}
              options={[customer, other].map((person) => ({
                value: person.customer_id,
                label: shown(person),
              }))}
            />
          </Form.Item>
        )}
      </Form>
      {other && preview.isPending && <PageSpinner />}
      {preview.error && <ErrorAlert error={preview.error} />}
      {other && preview.data && (
        <>
          <MergePreview plan={preview.data} />
          <Alert type="warning" showIcon title={t.warning} description={t.warningText(merged.customer_id)} />
        </>
      )}
    </Modal>
  );
}

function CustomerSearch({ except, onChange }: { except: string; onChange(person: Person): void }) {
  const [text, setText] = useState("");
  const t = strings.merges;
  const query = useCustomers({ search: text, limit: 9 }, text.trim() !== "");
  const found = text.trim() === "" ? [] : (query.data?.relationships ?? []);
  const options = found
    .filter((row) => row.customer_id !== except)
    .map((row) => ({
      value: row.customer_id,
      label: [shown(row), row.email].filter(Boolean).join(" · "),
      person: { customer_id: row.customer_id, name: row.name },
    }));
  return (
    <Select
      id="merge-search"
      showSearch={{ filterOption: false, onSearch: setText }}
      placeholder={t.searchHint}
      loading={query.isFetching}
      options={options}
      notFoundContent={text.trim() === "" || query.isFetching ? null : t.noMatches}
      onChange={(_, option) => {
        if (option && !Array.isArray(option)) onChange(option.person);
      }}
    />
  );
}

function MergePreview({ plan }: { plan: CustomerMerge }) {
  const stageStyle = useStageStyle();
  const t = strings.merges;
  const named = (stage: string | null) => (stage === null ? t.noJourney : stageStyle(stage).name);
  const consent = Object.entries(plan.consent).map(([channel, given]) =>
    given === null ? t.unknown(channel) : given ? t.given(channel) : t.refused(channel),
  );
  const rows: [string, string][] = [
    [t.stage, t.stages(named(plan.stages.into), named(plan.stages.customer_id), named(plan.stages.after))],
    [t.profile, plan.profile.map((field) => t.fields[field] ?? field).join(", ") || t.nothing],
    [t.consent, consent.join("; ") || t.nothing],
    [t.events, formatNumber(plan.events)],
    [t.tasks, t.tasksMoved(formatNumber(plan.tasks), formatNumber(plan.tasks_cancelled))],
    [t.actions, formatNumber(plan.actions_cancelled)],
    ...(plan.campaign_ended ? ([[t.campaign, t.campaignEnds]] as [string, string][]) : []),
  ];
  return (
    <Descriptions
      title={t.what}
      column={1}
      size="small"
      bordered
      className="merge-preview"
      items={rows.map(([label, children]) => ({ key: label, label, children }))}
    />
  );
}

function shown({ customer_id, name }: Person): string {
  return name ? `${name} (${customer_id})` : customer_id;
}
