import { Alert, Button } from "antd";
import { Component, type ReactNode } from "react";
import { words } from "../words";

/** Catches what a view throws, so that the rest of the page stays and says so. */
export class Broken extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <Alert
        type="error"
        showIcon
        title={words.common.broken}
        description={words.common.brokenHint}
        action={<Button onClick={() => location.reload()}>{words.common.reload}</Button>}
      />
    );
  }
}
