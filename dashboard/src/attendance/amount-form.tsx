import { Button, Form, Input } from "antd";
import { useState } from "react";
import { parseAmount } from "../format/amounts";
import { useCurrency } from "../session/session";
import { strings } from "../strings";

interface Props {
  /** a decimal number, or an empty text */
  initial: string;
  isSaving: boolean;
  onSave(amount: string): void;
  onCancel(): void;
}

/** Form for the amount of a visit. */
export function AmountForm({ initial, isSaving, onSave, onCancel }: Props) {
  const [isInvalid, setIsInvalid] = useState(false);
  const currency = useCurrency();
  const t = strings.attendance;
  function submit({ amount = "" }: { amount?: string }) {
    const parsed = parseAmount(amount);
    setIsInvalid(parsed === null);
    if (parsed !== null) onSave(parsed);
  }
  return (
    <Form className="amount-form" noValidate onFinish={submit} initialValues={{ amount: initial }}>
      <Form.Item
        name="amount"
        validateStatus={isInvalid ? "error" : ""}
        help={isInvalid ? t.amountInvalid : t.amountHint}
      >
        <Input
          aria-label={t.amount}
          inputMode="decimal"
          autoComplete="off"
          autoFocus
          suffix={currency}
          onFocus={(event) => event.target.select()}
        />
      </Form.Item>
      <div className="buttons compact">
        <Button size="small" type="primary" htmlType="submit" loading={isSaving}>
          {t.save.completed}
        </Button>
        <Button size="small" onClick={onCancel}>
          {strings.common.cancel}
        </Button>
      </div>
    </Form>
  );
}
