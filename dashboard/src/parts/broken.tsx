import { Button, Result } from "antd";
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
      <Result
        status="error"
        title={words.common.broken}
        subTitle={words.common.brokenHint}
        extra={
          <Button type="primary" onClick={() => location.reload()}>
            {words.common.reload}
          </Button>
        }
      />
    );
  }
}
