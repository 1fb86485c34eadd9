import { NavLink } from "react-router";
import { strings } from "../strings";
import { NAV_ITEMS } from "./nav-items";

/** Main navigation. Plain links, so that views can be opened in new tabs. */
export function NavMenu({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <nav aria-label={strings.common.navigation} className="nav-menu">
      <ul>
        {NAV_ITEMS.map(({ path, name, icon, Badge }) => (
          <li key={path}>
            <NavLink to={path} {...(onNavigate ? { onClick: onNavigate } : {})}>
              {icon}
              <span>{name}</span>
              {Badge && <Badge />}
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
