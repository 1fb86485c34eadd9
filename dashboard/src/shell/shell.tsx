import { MenuOutlined } from "@ant-design/icons";
import { Alert, Button, Drawer } from "antd";
import { useState } from "react";
import { Outlet, useLocation } from "react-router";
import { useConnection } from "../live/live";
import { Broken } from "../parts/broken";
import { useSession } from "../session/session";
import { useMedia } from "../theme";
import { words } from "../words";
import { Account } from "./account";
import { Brand } from "./brand";
import { FiguresAhead } from "./figures-ahead";
import { Freshness } from "./freshness";
import { Menu } from "./menu";

/** What stands around every view: the menu, whose figures these are, how fresh they are, the way out. */
export function Shell() {
  const { company } = useSession();
  const small = useMedia("(max-width: 991px)");
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  return (
    <div className="shell">
      <a className="skip" href="#content">
        {words.common.skip}
      </a>
      {!small && (
        <aside className="side" aria-label={words.common.product}>
          <Brand />
          <Menu />
        </aside>
      )}
      <header className="top">
        {small && (
          <Button
            type="text"
            icon={<MenuOutlined aria-hidden />}
            aria-label={words.common.menu}
            onClick={() => setOpen(true)}
          />
        )}
        <span className="company">{company.name}</span>
        <Freshness />
        <Account />
      </header>
      <main id="content" className="content" tabIndex={-1}>
        <LostBanner />
        <Broken key={pathname}>
          <Outlet />
        </Broken>
      </main>
      <FiguresAhead />
      <Drawer
        open={small && open}
        placement="left"
        size={260}
        title={<Brand />}
        onClose={() => setOpen(false)}
      >
        <Menu onGone={() => setOpen(false)} />
      </Drawer>
    </div>
  );
}

function LostBanner() {
  if (useConnection() !== "lost") return null;
  return <Alert className="lost" type="warning" showIcon role="alert" title={words.live.lostBanner} />;
}
