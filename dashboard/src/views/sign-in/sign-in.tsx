import { Alert } from "antd";
import { useEffect } from "react";
import { Navigate, useLocation } from "react-router";
import { PageSpinner } from "../../components/loading";
import { Panel } from "../../components/panel";
import { useSessions } from "../../session/session";
import { Brand } from "../../shell/brand";
import { strings } from "../../strings";
import { KeyForm } from "./key-form";
import { useSignInLink } from "./sign-in-link";

/** Signing in by a key, or by the one-time link that led here; then back to where one wanted to go. */
export default function SignIn() {
  const { state } = useSessions();
  const location = useLocation();
  const link = useSignInLink();
  const t = strings.signIn;
  useEffect(() => {
    document.title = `${strings.views.signIn} · ${strings.common.product}`;
  }, []);

  if (link === "opening" || (link === "none" && state.status === "asking")) return <PageSpinner />;
  if (state.status === "signed-in") return <Navigate to={returnPath(location.state)} replace />;
  return (
    <main className="sign-in">
      <Panel>
        <Brand />
        <h1>{strings.views.signIn}</h1>
        <p className="lead">{t.lead}</p>
        {link === "refused" && <Alert type="error" showIcon title={t.linkRefused} />}
        {link === "unreachable" && <Alert type="error" showIcon title={t.unreachable} />}
        {link === "none" && state.status === "expired" && <Alert type="info" showIcon title={t.expired} />}
        <KeyForm />
      </Panel>
    </main>
  );
}

/** Where one was sent here from; only ever a path of this page. */
function returnPath(state: unknown): string {
  const from = typeof state === "object" && state !== null && "from" in state ? state.from : null;
  return typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/";
}
