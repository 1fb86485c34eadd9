import { Component, type ReactNode } from "react";
import { words } from "../words";
import { ReloadAlert } from "./reload-alert";

/** Catches what a view throws, so that the rest of the page stays and says so. */
export class Broken extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return <ReloadAlert type="error" title={words.common.broken} hint={words.common.brokenHint} />;
  }
}
