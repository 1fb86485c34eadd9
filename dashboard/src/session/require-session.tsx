import type { ReactNode } from "react";
import { Navigate, useLocation } from "react-router";
import { ErrorAlert } from "../components/error-alert";
import { PageSpinner } from "../components/loading";
import { LiveProvider } from "../live/live";
import { strings } from "../strings";
import { useSessions } from "./session";

/** Its children for who is signed in; everybody else goes to the sign-in page, and returns to the same page after. */
export function SignedIn({ children }: { children: ReactNode }) {
  const { state, askAgain } = useSessions();
  const { pathname, search } = useLocation();
  switch (state.is) {
    case "asking":
      return <PageSpinner />;
    case "unreachable":
      return (
        <main className="alone">
          <ErrorAlert title={strings.signIn.unreachable} retry={askAgain} />
        </main>
      );
    case "signed-in":
      // Whoever signs in next gets a new stream.
      return <LiveProvider key={state.session.csrf_token}>{children}</LiveProvider>;
    default:
      return <Navigate to="/sign-in" replace state={{ from: `${pathname}${search}` }} />;
  }
}
