import { PauseCircleOutlined, PlayCircleOutlined, SwapOutlined } from "@ant-design/icons";
import { App, Button } from "antd";
import { useState } from "react";
import { OUTREACH, useReleaseHold } from "../../api/mutations";
import type { JourneyShown } from "../../api/shapes";
import { errorMessage } from "../../components/error-alert";
import { OutreachButton } from "../../components/outreach-button";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { ChangeStage } from "./change-stage";

/** What can be done for a customer; nothing for who may only read. */
export function Buttons({ journey }: { journey: JourneyShown }) {
  const [changing, setChanging] = useState<"stage" | "hold" | null>(null);
  const canEdit = useCanEdit();
  const said = strings.change;
  if (!canEdit) return null;
  return (
    <div className="buttons">
      {OUTREACH.map((type) => (
        <OutreachButton key={type} type={type} customerId={journey.customer_id} name={journey.name} />
      ))}
      <Button icon={<SwapOutlined aria-hidden />} onClick={() => setChanging("stage")}>
        {said.open}
      </Button>
      {journey.held ? (
        <Release customerId={journey.customer_id} />
      ) : (
        <Button icon={<PauseCircleOutlined aria-hidden />} onClick={() => setChanging("hold")}>
          {said.hold}
        </Button>
      )}
      {changing !== null && (
        <ChangeStage journey={journey} begins={changing} close={() => setChanging(null)} />
      )}
    </div>
  );
}

function Release({ customerId }: { customerId: string }) {
  const release = useReleaseHold(customerId);
  const { message, modal } = App.useApp();
  const said = strings.change;
  async function confirmed() {
    try {
      await release.mutateAsync(undefined);
      message.success(said.released);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }
  return (
    <Button
      icon={<PlayCircleOutlined aria-hidden />}
      loading={release.isPending}
      onClick={() =>
        modal.confirm({
          title: said.releaseTitle,
          content: said.releaseText,
          okText: said.release,
          cancelText: strings.common.cancel,
          onOk: confirmed,
        })
      }
    >
      {said.release}
    </Button>
  );
}
