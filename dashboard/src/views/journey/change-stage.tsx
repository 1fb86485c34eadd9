import { App, Form, Input, Modal, Radio, Select } from "antd";
import { type StageChange, useStageChange } from "../../api/mutations";
import { useStages } from "../../api/queries";
import type { JourneyShown } from "../../api/shapes";
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
  journey: JourneyShown;
  begins: "stage" | "hold";
  close(): void;
}

/** Another stage by hand, or a hold in this one, with the reason. */
export function ChangeStage({ journey, begins, close }: Props) {
  const [form] = Form.useForm<Values>();
  const change = useStageChange(journey.customer_id);
  const stages = (useStages().data?.stages ?? []).filter((stage) => stage.is_active);
  const hold = Form.useWatch("hold", form);
  const { message } = App.useApp();
  const said = strings.change;

  async function save(values: Values) {
    try {
      await change.mutateAsync(asked(values));
      message.success(said.saved);
      close();
    } catch (error) {
      form.setFields([{ name: "reason", errors: [errorMessage(error as Error)] }]);
    }
  }

  return (
    <Modal
      open
      title={said.title}
      okText={said.save}
      cancelText={strings.common.cancel}
      onCancel={close}
      confirmLoading={change.isPending}
      okButtonProps={{ htmlType: "submit", form: "change-stage" }}
    >
      <Form<Values>
        id="change-stage"
        form={form}
        layout="vertical"
        onFinish={save}
        initialValues={{ stage: journey.current_stage, hold: begins === "hold" ? "open" : "none" }}
      >
        <Form.Item
          name="stage"
          label={said.stage}
          dependencies={["hold"]}
          rules={[
            {
              validator: (_, stage: string) =>
                stage === journey.current_stage && form.getFieldValue("hold") === "none"
                  ? Promise.reject(new Error(said.unchanged))
                  : Promise.resolve(),
            },
          ]}
        >
          <Select options={stages.map((stage) => ({ value: stage.stage_key, label: stage.stage_name }))} />
        </Form.Item>
        <Form.Item
          name="reason"
          label={said.reason}
          extra={said.reasonHint}
          rules={[{ required: true, whitespace: true, max: 1000, message: said.reasonMissing }]}
        >
          <Input.TextArea rows={3} maxLength={1000} />
        </Form.Item>
        <Form.Item name="hold" label={said.holding}>
          <Radio.Group
            vertical
            options={(["none", "open", "until"] as const).map((value) => ({
              value,
              label: said.holds[value],
            }))}
          />
        </Form.Item>
        {hold === "until" && (
          <Form.Item name="until" label={said.until} rules={[{ required: true, validator: inFuture }]}>
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

function asked({ stage, reason, hold, until }: Values): StageChange {
  const change: StageChange = { stage, reason: reason.trim(), hold: hold === "open" };
  if (hold === "until" && until !== undefined) change.hold_until = new Date(until).toISOString();
  return change;
}
