import { PhoneOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useRef, useState } from "react";
import { strings } from "../strings";
import { lazyComponent } from "./lazy-component";

const ContactDialog = lazyComponent(() => import("./contact-dialog"), null);

interface Props {
  customer: { customer_id: string; name: string | null; phone: string | null; phone_e164: string | null };
  small?: boolean;
}

/** Button that opens the dialog in which a contact is recorded. In a list, focus then moves to the next customer. */
export function ContactButton({ customer, small = false }: Props) {
  const [isOpen, setIsOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const t = strings.contacts;

  function close(isRecorded: boolean) {
    // The row of a customer who was contacted leaves the list, so that its neighbour is looked up before.
    const target = isRecorded ? neighbour(button.current) : button.current;
    setIsOpen(false);
    setTimeout(() => (target ?? button.current)?.focus());
  }

  return (
    <>
      <Button
        ref={button}
        type={small ? "primary" : "default"}
        size={small ? "small" : "middle"}
        icon={<PhoneOutlined aria-hidden />}
        aria-label={t.logFor(customer.name ?? customer.customer_id)}
        data-contact={customer.customer_id}
        onPointerEnter={ContactDialog.preload}
        onFocus={ContactDialog.preload}
        onClick={() => setIsOpen(true)}
      >
        {small ? t.log : t.logContact}
      </Button>
      {isOpen && <ContactDialog customer={customer} onClose={close} />}
    </>
  );
}

/** Return the same button of the next customer in a list, or of the previous one after the last. */
function neighbour(button: HTMLElement | null): HTMLElement | null {
  const buttons = [...document.querySelectorAll<HTMLElement>("button[data-contact]")];
  const index = button === null ? -1 : buttons.indexOf(button);
  return buttons[index + 1] ?? buttons[index - 1] ?? null;
}
