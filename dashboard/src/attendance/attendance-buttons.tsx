import { CheckOutlined, CloseOutlined, StopOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { Attendance } from "../api/types";
import { errorMessage } from "../components/error-alert";
import { lazyComponent } from "../components/lazy-component";
import { TextSkeleton } from "../components/loading";
import { strings } from "../strings";

type Outcome = Attendance["outcome"];

const BUTTONS: readonly { outcome: Outcome; text: string; icon: ReactNode }[] = [
  { outcome: "completed", text: strings.attendance.came, icon: <CheckOutlined aria-hidden /> },
  { outcome: "missed", text: strings.attendance.missed, icon: <CloseOutlined aria-hidden /> },
  { outcome: "cancelled", text: strings.attendance.cancelled, icon: <StopOutlined aria-hidden /> },
];

// antd's inputs would make the first view too large.
const AmountForm = lazyComponent(
  async () => ({ default: (await import("./amount-form")).AmountForm }),
  <TextSkeleton rows={1} />,
);

interface Props {
  /** the customer's name */
  name: string;
  /** the amount to start with, as a decimal number; undefined while it is loading */
  suggestedAmount: string | null | undefined;
  /** called when an answer is chosen, before it is confirmed */
  onChoose?(outcome: Outcome): void;
  onAnswer(answer: Attendance): Promise<unknown>;
}

/** Three buttons that say what became of an appointment. Each asks for a confirmation, or for the amount. */
export function AttendanceButtons({ name, suggestedAmount, onChoose, onAnswer }: Props) {
  const [chosen, setChosen] = useState<Outcome | null>(null);
  const [isSaving, setIsSaving] = useState(false);
  const group = useRef<HTMLDivElement>(null);
  const last = useRef<Outcome | null>(null);
  const { message } = App.useApp();
  const t = strings.attendance;

  useEffect(() => {
    // After "Cancel", the focus returns to the button that opened the form.
    if (chosen === null && last.current !== null)
      group.current?.querySelector<HTMLElement>(`[data-outcome=${last.current}]`)?.focus();
    last.current = chosen;
  }, [chosen]);

  function choose(outcome: Outcome) {
    setChosen(outcome);
    onChoose?.(outcome);
  }

  async function save(answer: Attendance) {
    setIsSaving(true);
    try {
      await onAnswer(answer);
      message.success(t.saved[answer.outcome](name));
      last.current = null;
      setChosen(null);
    } catch (error) {
      message.error(errorMessage(error as Error));
    } finally {
      setIsSaving(false);
    }
  }

  function closeOnEscape(event: KeyboardEvent) {
    if (event.key === "Escape" && chosen !== null) {
      event.stopPropagation();
      setChosen(null);
    }
  }

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields
    <div
      role="group"
      className="attendance"
      aria-label={t.question(name)}
      ref={group}
      onKeyDown={closeOnEscape}
    >
      {chosen === null ? (
        <div className="buttons compact">
          {BUTTONS.map(({ outcome, text, icon }) => (
            <Button
              key={outcome}
              size="small"
              icon={icon}
              data-outcome={outcome}
              aria-label={t.of(text, name)}
              onClick={() => choose(outcome)}
            >
              {text}
            </Button>
          ))}
        </div>
      ) : (
        <>
          <p>{t.confirm[chosen](name)}</p>
          {chosen === "completed" ? (
            suggestedAmount === undefined ? (
              <TextSkeleton rows={1} />
            ) : (
              <AmountForm
                initial={suggestedAmount ?? ""}
                isSaving={isSaving}
                onSave={(amount) => void save({ outcome: "completed", amount })}
                onCancel={() => setChosen(null)}
              />
            )
          ) : (
            <div className="buttons compact">
              <Button
                size="small"
                type="primary"
                autoFocus
                loading={isSaving}
                onClick={() => void save({ outcome: chosen })}
              >
                {t.save[chosen]}
              </Button>
              <Button size="small" onClick={() => setChosen(null)}>
                {strings.common.cancel}
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  );
}
