import {
  CalendarOutlined,
  DollarOutlined,
  MailOutlined,
  MessageOutlined,
  PhoneOutlined,
  QuestionCircleOutlined,
  ThunderboltOutlined,
  UndoOutlined,
  UserOutlined,
} from "@ant-design/icons";
import type { ReactNode } from "react";
import type { ContactEntryData, Entry } from "../../../api/types";
import { StageIcon } from "../../../components/stage-icon";
import { useStageStyle } from "../../../components/stage-style";
import { readableTextColour } from "../../../format/contrast";

const EVENTS: Record<string, ReactNode> = {
  call: <PhoneOutlined aria-hidden />,
  appointment: <CalendarOutlined aria-hidden />,
  payment: <DollarOutlined aria-hidden />,
  support_ticket: <QuestionCircleOutlined aria-hidden />,
  feedback: <MessageOutlined aria-hidden />,
  event: <UndoOutlined aria-hidden />,
};

const CONTACTS: Record<ContactEntryData["channel"], ReactNode> = {
  phone: <PhoneOutlined aria-hidden />,
  email: <MailOutlined aria-hidden />,
  message: <MessageOutlined aria-hidden />,
  in_person: <UserOutlined aria-hidden />,
};

/** Marker of a timeline entry: stage changes in the stage's colour, other entries neutral. */
export function EntryDot({ entry }: { entry: Entry }) {
  const stageStyle = useStageStyle();
  if (entry.kind !== "transition") {
    const icon =
      entry.kind === "contact"
        ? CONTACTS[entry.channel]
        : entry.kind === "event"
          ? EVENTS[entry.type?.split(".")[0] ?? ""]
          : null;
    return <span className="dot-plain">{icon ?? <ThunderboltOutlined aria-hidden />}</span>;
  }
  const { colour, icon } = stageStyle(entry.to_stage);
  return (
    <span className="dot-stage" style={{ background: colour, color: readableTextColour(colour) }}>
      <StageIcon name={icon} />
    </span>
  );
}
