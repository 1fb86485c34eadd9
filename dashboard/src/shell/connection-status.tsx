import { Tooltip } from "antd";
import { useConnection } from "../live/live";
import { strings } from "../strings";

/** How fresh the page is. */
export function ConnectionStatus() {
  const connection = useConnection();
  const t = strings.live;
  if (connection === "connecting") return null;
  const [text, hint] = {
    live: [t.live, t.liveHint],
    polling: [t.polling, t.pollingHint],
    lost: [t.lost, t.lostBanner],
  }[connection] as [string, string];
  return (
    <Tooltip title={hint}>
      <span className={`freshness ${connection}`} role="status">
        <span className="dot" aria-hidden />
        {text}
      </span>
    </Tooltip>
  );
}
