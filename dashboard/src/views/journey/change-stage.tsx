import { App, Form, Input, Modal, Radio, Select } from "antd";
import { useStageChange } from "../../api/mutations";
import { useStages } from "../../api/queries";
import type { Journey, StageChange } from "../../api/types";
import { errorMessage } from "../../components/error-alert";
import { toDateTimeLocal } from "../../format/dates";
import { strings } from "../../strings";

interface Values {
  stage: string;
  reason: string;
  hold: "none" | "open" | "until";
  until?: string;
}

interface Props {
  journey: Journey;
  mode: "stage" | "hold";
  onClose(): void;
}

/** Dialog to change or hold the stage manually, with a reason. */
export function ChangeStage({ journey, mode, onClose }: Props) {
  const [form] = Form.useForm<Values>();
  const change = useStageChange(journey.customer_id);
  const stages = (useStages().data?.stages ?? []).filter((stage) => stage.is_active);
  const hold = Form.useWatch("hold", form);
  const { message } = App.useApp();
  const t = strings.change;

  async function save(values: Values) {
    try {
      await change.mutateAsync(toStageChange(values));
      message.success(t.saved);
      onClose();
    } catch (error) {
      form.setFields([{ name: "reason", errors: [errorMessage(error as Error)] }]);
    }
  }

  return (
    <Modal
      open
      title={t.title}
      okText={t.save}
      cancelText={strings.common.cancel}
      onCancel={onClose}
      confirmLoading={change.isPending}
      okButtonProps={{ htmlType: "submit", form: "change-stage" }}
    >
      <Form<Values>
        id="change-stage"
        form={form}
        layout="vertical"
        onFinish={save}
        initialValues={{ stage: journey.current_stage, hold: mode === "hold" ? "open" : "none" }}
      >
        <Form.Item
          name="stage"
          label={t.stage}
          dependencies={["hold"]}
          rules={[
            {
              validator: (_, stage: string) =>
                stage === journey.current_stage && form.getFieldValue("hold") === "none"
                  ? Promise.reject(new Error(t.unchanged))
                  : Promise.resolve(),
            },
          ]}
        >
          <Select options={stages.map((stage) => ({ value: stage.stage_key, label: stage.stage_name }))} />
        </Form.Item>
        <Form.Item
          name="reason"
          label={t.reason}
          extra={t.reasonHint}
          rules={[{ required: true, whitespace: true, max: 1000, message: t.reasonMissing }]}
        >
          <Input.TextArea rows={3} maxLength={1000} />
        </Form.Item>
        <Form.Item name="hold" label={t.holding}>
          <Radio.Group
            vertical
            options={(["none", "open", "until"] as const).map((value) => ({
              value,
              label: t.holds[value],
            }))}
          />
        </Form.Item>
        {hold === "until" && (
          <Form.Item name="until" label={t.until} rules={[{ required: true, validator: inFuture }]}>
            <Input type="datetime-local" min={toDateTimeLocal(new Date())} />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}

function inFuture(_: unknown, until: string | undefined): Promise<void> {
  const isFuture = until !== undefined && new Date(until).getTime() > Date.now();
  return isFuture ? Promise.resolve() : Promise.reject(new Error(strings.change.untilMissing));
}

function toStageChange({ stage, reason, hold, until }: Values): StageChange {
  const change: StageChange = { stage, reason: reason.trim(), hold: hold === "open" };
  if (hold === "until" && until !== undefined) change.hold_until = new Date(until).toISOString();
  return change;
}
