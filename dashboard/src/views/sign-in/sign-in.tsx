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

/** Sign in with an API key or a one-time link, then return to the requested page. */
export default function SignIn() {
  const { state } = useSessions();
  const location = useLocation();
  const link = useSignInLink();
  const t = strings.signIn;
  useEffect(() => {
    document.title = `${strings.views.signIn} · ${strings.common.product}`;
  }, []);

  if (link === "opening" || (link === "none" && state.status === "loading")) return <PageSpinner />;
  if (state.status === "signed-in") return <Navigate to={returnPath(location.state)} replace />;
  return (
    <main className="sign-in">
      <Panel>
        <Brand />
        <h1>{strings.views.signIn}</h1>
        <p className="subtitle">{t.lead}</p>
        {link === "refused" && <Alert type="error" showIcon title={t.invalidLink} />}
        {link === "unreachable" && <Alert type="error" showIcon title={t.unreachable} />}
        {link === "none" && state.status === "expired" && <Alert type="info" showIcon title={t.expired} />}
        <KeyForm />
      </Panel>
    </main>
  );
}

/** Path to return to after sign-in; only paths of this site are accepted. */
function returnPath(state: unknown): string {
  const from = typeof state === "object" && state !== null && "from" in state ? state.from : null;
  return typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/";
}
