import { LogoutOutlined, UserOutlined } from "@ant-design/icons";
import { App, Button, Dropdown } from "antd";
import { problemInWords } from "../parts/failed";
import { useMayAct, useSession, useSessions } from "../session/session";
import { finishing } from "../tasks/finishing";
import { words } from "../words";

/** Whose key the session has, and the way out. */
export function Account() {
  const { name } = useSession();
  const { signOut } = useSessions();
  const mayAct = useMayAct();
  const { message } = App.useApp();
  async function leave() {
    await finishing.flush();
    await signOut();
  }
  const items = [
    { key: "name", disabled: true, label: mayAct ? name : `${name} (${words.common.readOnly})` },
    { key: "out", icon: <LogoutOutlined aria-hidden />, label: words.common.signOut },
  ];
  return (
    <Dropdown
      trigger={["click"]}
      // Within the header, so that it belongs to a landmark.
      getPopupContainer={(button) => button.parentElement ?? document.body}
      menu={{
        items,
        onClick: ({ key }) => {
          if (key === "out") leave().catch((error: Error) => message.error(problemInWords(error)));
        },
      }}
    >
      <Button type="text" icon={<UserOutlined aria-hidden />} aria-label={words.common.account(name)} />
    </Dropdown>
  );
}
