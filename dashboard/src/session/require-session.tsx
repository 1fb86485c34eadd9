import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { ErrorAlert } from "../components/error-alert";
import { PageSpinner } from "../components/loading";
import { LiveProvider } from "../live/live";
import { strings } from "../strings";
import { useSessions } from "./session";

/** Render the children if signed in; otherwise redirect to the sign-in page, which returns here afterwards. */
export function RequireSession({ children }: { children: ReactNode }) {
  const { state, retry } = useSessions();
  const { pathname, search } = useLocation();
  switch (state.status) {
    case "loading":
      return <PageSpinner />;
    case "unreachable":
      return (
        <main className="centred">
          <ErrorAlert title={strings.signIn.unreachable} retry={retry} />
        </main>
      );
    case "signed-in":
      // The key opens a new stream for each session.
      return <LiveProvider key={state.session.csrf_token}>{children}</LiveProvider>;
    default:
      return <Navigate to="/sign-in" replace state={{ from: `${pathname}${search}` }} />;
  }
}
