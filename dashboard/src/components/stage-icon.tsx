import {
  CheckCircleOutlined,
  CloseCircleOutlined,
  CrownOutlined,
  ExclamationCircleOutlined,
  FlagOutlined,
  GiftOutlined,
  HeartOutlined,
  PhoneOutlined,
  StarOutlined,
  UserAddOutlined,
  UserOutlined,
  WarningOutlined,
} from "@ant-design/icons";
import type { ComponentType } from "react";

/** Icons by the names that stages use; unknown names get a flag. */
const ICONS: Record<string, ComponentType<{ "aria-hidden"?: boolean }>> = {
  "user-plus": UserAddOutlined,
  user: UserOutlined,
  phone: PhoneOutlined,
  "check-circle": CheckCircleOutlined,
  star: StarOutlined,
  crown: CrownOutlined,
  heart: HeartOutlined,
  gift: GiftOutlined,
  "exclamation-triangle": WarningOutlined,
  "exclamation-circle": ExclamationCircleOutlined,
  "x-circle": CloseCircleOutlined,
};

/** The names that a stage can choose its icon from. */
export const ICON_NAMES = [...Object.keys(ICONS), "flag"];

export function StageIcon({ name }: { name: string | null }) {
  const Icon = ICONS[name ?? ""] ?? FlagOutlined;
  return <Icon aria-hidden />;
}
