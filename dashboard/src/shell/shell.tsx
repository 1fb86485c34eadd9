import { MenuOutlined } from "@ant-design/icons";
import { Alert, Button, Drawer } from "antd";
import { useState } from "react";
import { Outlet, useLocation } from "react-router";
import { ErrorBoundary } from "../components/error-boundary";
import { useSearchShortcut } from "../components/use-search-shortcut";
import { useConnection } from "../live/live";
import { useSession } from "../session/session";
import { strings } from "../strings";
import { useMedia } from "../theme";
import { AccountMenu } from "./account-menu";
import { Brand } from "./brand";
import { ConnectionStatus } from "./connection-status";
import { NavMenu } from "./nav-menu";
import { PrefetchAnalytics } from "./prefetch-analytics";

/** Layout around every view: navigation, company, connection status and account menu. */
export function Shell() {
  const { company } = useSession();
  const small = useMedia("(max-width: 991px)");
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  useSearchShortcut();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {strings.common.skip}
      </a>
      {!small && (
        <aside className="side" aria-label={strings.common.product}>
          <Brand />
          <NavMenu />
        </aside>
      )}
      <header className="top">
        {small && (
          <Button
            type="text"
            icon={<MenuOutlined aria-hidden />}
            aria-label={strings.common.menu}
            onClick={() => setOpen(true)}
          />
        )}
        <span className="company">{company.name}</span>
        <ConnectionStatus />
        <AccountMenu />
      </header>
      <main id="content" className="content" tabIndex={-1}>
        <OfflineBanner />
        <ErrorBoundary key={pathname}>
          <Outlet />
        </ErrorBoundary>
      </main>
      <PrefetchAnalytics />
      <Drawer
        open={small && open}
        placement="left"
        size={260}
        title={<Brand />}
        onClose={() => setOpen(false)}
      >
        <NavMenu onNavigate={() => setOpen(false)} />
      </Drawer>
    </div>
  );
}

function OfflineBanner() {
  if (useConnection() !== "offline") return null;
  return (
    <Alert
      className="offline-banner"
      type="warning"
      showIcon
      role="alert"
      title={strings.live.offlineBanner}
    />
  );
}
