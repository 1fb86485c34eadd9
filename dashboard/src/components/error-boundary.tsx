import { Component, type ReactNode } from "react";
import { strings } from "../strings";
import { ReloadAlert } from "./reload-alert";

/** Catch rendering errors of a view, so that the rest of the page keeps working. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return <ReloadAlert type="error" title={strings.common.viewError} hint={strings.common.viewErrorHint} />;
  }
}
