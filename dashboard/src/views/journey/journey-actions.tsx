import { PauseCircleOutlined, PlayCircleOutlined, SwapOutlined } from "@ant-design/icons";
import { App, Button, Modal } from "antd";
import { useState } from "react";
import { OUTREACH, useReleaseHold } from "../../api/mutations";
import type { Journey } from "../../api/types";
import { ContactButton } from "../../components/contact-button";
import { errorMessage } from "../../components/error-alert";
import { OutreachButton } from "../../components/outreach-button";
import { MergeButton } from "../../merging/merge-button";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { ChangeStage } from "./change-stage";

/** Action buttons of a journey; hidden from read-only users. */
export function JourneyActions({ journey }: { journey: Journey }) {
  const [dialogMode, setDialogMode] = useState<"stage" | "hold" | null>(null);
  const canEdit = useCanEdit();
  const t = strings.change;
  if (!canEdit) return null;
  return (
    <div className="buttons">
      <ContactButton customer={journey} />
      {OUTREACH.map((type) => (
        <OutreachButton key={type} type={type} customerId={journey.customer_id} name={journey.name} />
      ))}
      <Button icon={<SwapOutlined aria-hidden />} onClick={() => setDialogMode("stage")}>
        {t.open}
      </Button>
      {journey.held ? (
        <ReleaseHoldButton customerId={journey.customer_id} />
      ) : (
        <Button icon={<PauseCircleOutlined aria-hidden />} onClick={() => setDialogMode("hold")}>
          {t.hold}
        </Button>
      )}
      <MergeButton customer={journey} />
      {dialogMode !== null && (
        <ChangeStage journey={journey} mode={dialogMode} onClose={() => setDialogMode(null)} />
      )}
    </div>
  );
}

function ReleaseHoldButton({ customerId }: { customerId: string }) {
  const release = useReleaseHold(customerId);
  const { message } = App.useApp();
  const [modal, dialog] = Modal.useModal();
  const t = strings.change;
  async function handleConfirm() {
    try {
      await release.mutateAsync(undefined);
      message.success(t.released);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <>
      <Button
        icon={<PlayCircleOutlined aria-hidden />}
        loading={release.isPending}
        onClick={() =>
          modal.confirm({
            title: t.releaseTitle,
            content: t.releaseText,
            okText: t.release,
            cancelText: strings.common.cancel,
            onOk: handleConfirm,
          })
        }
      >
        {t.release}
      </Button>
      {dialog}
    </>
  );
}
