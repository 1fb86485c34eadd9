import { useEffect, useState } from "react";
import { Problem } from "../../api/problem";
import { useSessions } from "../../session/session";

export type SignInLinkState = "none" | "opening" | "refused" | "unreachable" | "opened";

/** Sign in with the token from the URL fragment, if there is one, and remove it from the URL. */
export function useSignInLink(): SignInLinkState {
  const { signIn } = useSessions();
  const [state, setState] = useState<SignInLinkState>(() => (tokenFromUrl() === null ? "none" : "opening"));

  useEffect(() => {
    async function signInWithToken() {
      const token = tokenFromUrl();
      if (token === null) return;
      history.replaceState(history.state, "", location.pathname + location.search);
      setState("opening");
      try {
        await signIn({ token });
        setState("opened");
      } catch (error) {
        setState(error instanceof Problem && !error.isTransient ? "refused" : "unreachable");
      }
    }
    void signInWithToken();
    // Opening a link while the page is already open only changes the fragment.
    addEventListener("hashchange", signInWithToken);
    return () => removeEventListener("hashchange", signInWithToken);
  }, [signIn]);
  return state;
}

function tokenFromUrl(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}
