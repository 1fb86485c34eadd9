import { useEffect, useState } from "react";
import { Problem } from "../../api/problem";
import { useSessions } from "../../session/session";

export type SignInLinkState = "none" | "opening" | "refused" | "unreachable" | "opened";

/** Signs in with the token in the address' fragment, if there is one, and takes it out of the address at once. */
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
    // A link that is opened where the page is open already changes the fragment alone.
    addEventListener("hashchange", signInWithToken);
    return () => removeEventListener("hashchange", signInWithToken);
  }, [signIn]);
  return state;
}

function tokenFromUrl(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}
