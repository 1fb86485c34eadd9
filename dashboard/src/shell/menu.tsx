import { NavLink } from "react-router";
import { words } from "../words";
import { PLACES } from "./places";

/** The way to each view; links, so that they open in other tabs too. */
export function Menu({ onGone }: { onGone?: () => void }) {
  return (
    <nav aria-label={words.common.navigation} className="menu">
      <ul>
        {PLACES.map(({ path, name, icon }) => (
          <li key={path}>
            <NavLink to={path} {...(onGone ? { onClick: onGone } : {})}>
              {icon}
              <span>{name}</span>
            </NavLink>
          </li>
        ))}
      </ul>
    </nav>
  );
}
