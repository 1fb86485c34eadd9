import { GiftOutlined, MailOutlined, PhoneOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import type { ReactNode } from "react";
import { useOutreach } from "../api/mutations";
import type { Outreach } from "../api/types";
import { strings } from "../strings";
import { errorMessage } from "./error-alert";

export const OUTREACH_ICONS: Record<Outreach, ReactNode> = {
  call: <PhoneOutlined aria-hidden />,
  email: <MailOutlined aria-hidden />,
  offer: <GiftOutlined aria-hidden />,
};

interface Props {
  type: Outreach;
  customerId: string;
  name?: string | null | undefined;
  small?: boolean;
}

/** Button that requests a call, an e-mail or an offer and confirms it in a toast. */
export function OutreachButton({ type, customerId, name, small = false }: Props) {
  const outreach = useOutreach(customerId);
  const { message } = App.useApp();
  const t = strings.outreach;
  const customerName = name ?? customerId;
  async function handleClick() {
    try {
      await outreach.mutateAsync(type);
      message.success(t.requested[type](customerName));
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <Button
      size={small ? "small" : "middle"}
      icon={OUTREACH_ICONS[type]}
      loading={outreach.isPending}
      aria-label={t.labelFor(t[type], customerName)}
      title={small ? t[type] : undefined}
      onClick={handleClick}
    >
      <span className="outreach-label">{t[type]}</span>
    </Button>
  );
}
