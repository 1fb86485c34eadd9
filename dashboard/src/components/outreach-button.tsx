import { GiftOutlined, MailOutlined, PhoneOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { useOutreach } from "../api/mutations";
import { Problem } from "../api/problem";
import type { Outreach } from "../api/types";
import { strings } from "../strings";
import { errorMessage } from "./error-alert";
import { lazyComponent } from "./lazy-component";

export const OUTREACH_ICONS: Record<Outreach, ReactNode> = {
  call: <PhoneOutlined aria-hidden />,
  email: <MailOutlined aria-hidden />,
  offer: <GiftOutlined aria-hidden />,
};

const MessageModal = lazyComponent(() => import("./message-modal"), null);

interface Props {
  type: Outreach;
  customerId: string;
  name?: string | null | undefined;
  small?: boolean;
}

/** Button that creates a call task, or opens a dialog with the e-mail or the offer that will be sent. */
export function OutreachButton({ type, customerId, name, small = false }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const call = useCallTask(customerId, name ?? customerId);
  const t = strings.outreach;
  const customerName = name ?? customerId;
  return (
    <>
      <Button
        size={small ? "small" : "middle"}
        icon={OUTREACH_ICONS[type]}
        loading={call.isPending}
        aria-label={t.labelFor(t[type], customerName)}
        title={small ? t[type] : undefined}
        onClick={type === "call" ? call.create : () => setIsOpen(true)}
      >
        <span className="outreach-label">{t[type]}</span>
      </Button>
      {isOpen && type !== "call" && (
        <MessageModal
          type={type}
          customerId={customerId}
          name={customerName}
          onClose={() => setIsOpen(false)}
        />
      )}
    </>
  );
}

/** Create a task to call a customer; if one is open already, offer to show it. */
function useCallTask(customerId: string, customerName: string) {
  const outreach = useOutreach(customerId);
  const { message, notification } = App.useApp();
  const navigate = useNavigate();
  const t = strings.outreach;
  async function create() {
    try {
      await outreach.mutateAsync({ type: "call" });
      message.success(t.callRequested(customerName));
    } catch (error) {
      const path = error instanceof Problem ? error.taskPath : null;
      if (path === null) {
        message.error(errorMessage(error as Error));
        return;
      }
      const key = `call ${customerId}`;
      function show() {
        notification.destroy(key);
        navigate(path as string);
      }
      notification.warning({
        key,
        title: t.callIsOpen(customerName),
        actions: (
          <Button size="small" onClick={show}>
            {t.showTask}
          </Button>
        ),
      });
    }
  }
  return { create, isPending: outreach.isPending };
}
