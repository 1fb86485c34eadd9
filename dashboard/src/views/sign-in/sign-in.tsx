import { Alert, Card } from "antd";
import { useEffect } from "react";
import { Navigate, useLocation } from "react-router";
import { Loading } from "../../parts/loading";
import { useSessions } from "../../session/session";
import { Brand } from "../../shell/brand";
import { words } from "../../words";
import { KeyForm } from "./key-form";
import { useLink } from "./link";

/** Signing in by a key, or by the one-time link that led here; then back to where one wanted to go. */
export function SignIn() {
  const { state } = useSessions();
  const location = useLocation();
  const link = useLink();
  const said = words.signIn;
  useEffect(() => {
    document.title = `${words.views.signIn} · ${words.common.product}`;
  }, []);

  if (link === "opening" || (link === "none" && state.is === "asking")) return <Loading />;
  if (state.is === "signed-in") return <Navigate to={wanted(location.state)} replace />;
  return (
    <main className="sign-in">
      <Card>
        <Brand />
        <h1>{words.views.signIn}</h1>
        <p className="lead">{said.lead}</p>
        {link === "refused" && <Alert type="error" showIcon title={said.linkRefused} />}
        {link === "unreachable" && <Alert type="error" showIcon title={said.unreachable} />}
        {link === "none" && state.is === "expired" && <Alert type="info" showIcon title={said.expired} />}
        <KeyForm />
      </Card>
    </main>
  );
}

/** Where one was sent here from; only ever a path of this page. */
function wanted(state: unknown): string {
  const from = typeof state === "object" && state !== null && "from" in state ? state.from : null;
  return typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/";
}
