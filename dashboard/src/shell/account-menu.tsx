import { LogoutOutlined, UserOutlined } from "@ant-design/icons";
import { App, Button, Dropdown } from "antd";
import { errorMessage } from "../components/error-alert";
import { useCanEdit, useSession, useSessions } from "../session/session";
import { strings } from "../strings";

/** Menu with the name of the session's API key and the sign-out button. */
export function AccountMenu() {
  const { name } = useSession();
  const { signOut } = useSessions();
  const canEdit = useCanEdit();
  const { message } = App.useApp();
  const items = [
    { key: "name", disabled: true, label: canEdit ? name : `${name} (${strings.common.readOnly})` },
    { key: "out", icon: <LogoutOutlined aria-hidden />, label: strings.common.signOut },
  ];
  return (
    <Dropdown
      trigger={["click"]}
      menu={{
        items,
        onClick: ({ key }) => {
          if (key === "out") signOut().catch((error: Error) => message.error(errorMessage(error)));
        },
      }}
    >
      <Button type="text" icon={<UserOutlined aria-hidden />} aria-label={strings.common.account(name)} />
    </Dropdown>
  );
}
