import { NavLink } from "react-router";
import { strings } from "../strings";
import { NAV_ITEMS } from "./nav-items";

/** The way to each view; links, so that they open in other tabs too. */
export function NavMenu({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <nav aria-label={strings.common.navigation} className="menu">
      <ul>
        {NAV_ITEMS.map(({ path, name, icon }) => (
          <li key={path}>
            <NavLink to={path} {...(onNavigate ? { onClick: onNavigate } : {})}>
              {icon}
              <span>{name}</span>
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
