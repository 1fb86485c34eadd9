import { Tooltip } from "antd";
import { useConnection } from "../live/live";
import { strings } from "../strings";

/** Whether the page is updated live, by polling, or not at all. */
export function ConnectionStatus() {
  const connection = useConnection();
  const t = strings.live;
  if (connection === "connecting") return null;
  const [text, hint] = {
    live: [t.live, t.liveHint],
    polling: [t.polling, t.pollingHint],
    offline: [t.offline, t.offlineBanner],
  }[connection] as [string, string];
  return (
    <Tooltip title={hint}>
      <span className={`connection-status ${connection}`} role="status">
        <span className="dot" aria-hidden />
        {text}
      </span>
    </Tooltip>
  );
}
