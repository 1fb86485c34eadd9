import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { ErrorAlert } from "../components/error-alert";
import { PageSpinner } from "../components/loading";
import { LiveProvider } from "../live/live";
import { strings } from "../strings";
import { useSessions } from "./session";

/** Its children for who is signed in; everybody else goes to the sign-in page, and returns to the same page after. */
export function RequireSession({ children }: { children: ReactNode }) {
  const { state, retry } = useSessions();
  const { pathname, search } = useLocation();
  switch (state.status) {
    case "asking":
      return <PageSpinner />;
    case "unreachable":
      return (
        <main className="alone">
          <ErrorAlert title={strings.signIn.unreachable} retry={retry} />
        </main>
      );
    case "signed-in":
      // Whoever signs in next gets a new stream.
      return <LiveProvider key={state.session.csrf_token}>{children}</LiveProvider>;
    default:
      return <Navigate to="/sign-in" replace state={{ from: `${pathname}${search}` }} />;
  }
}
