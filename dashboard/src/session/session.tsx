import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSessionExpired, setCsrfToken } from "../api/client";
import * as calls from "../api/session";
import type { Session } from "../api/shapes";

/** `asking` at the start; `unreachable` when nobody answered that; `expired` is signed out against one's will. */
export type SessionState =
  | { is: "asking" | "unreachable" | "signed-out" | "expired" }
  | { is: "signed-in"; session: Session };

interface Sessions {
  state: SessionState;
  signIn(credentials: calls.Credentials): Promise<void>;
  signOut(): Promise<void>;
  askAgain(): void;
  /** The gateway says that the session is over. */
  endSession(): void;
}

const Context = createContext<Sessions | null>(null);

interface Props {
  /** the session of who opens the page, which has been asked for already */
  asked: Promise<Session | null>;
  children: ReactNode;
}

export function SessionProvider({ asked, children }: Props) {
  const [state, setState] = useState<SessionState>({ is: "asking" });
  const queries = useQueryClient();

  const hear = useCallback((asked: Promise<Session | null>) => {
    // Who has signed in fallback stays so.
    const answered = (state: SessionState) => setState((before) => (before.is === "asking" ? state : before));
    asked.then(
      (session) => answered(session === null ? { is: "signed-out" } : { is: "signed-in", session }),
      () => answered({ is: "unreachable" }),
    );
  }, []);

  const askAgain = useCallback(() => {
    setState({ is: "asking" });
    hear(calls.currentSession());
  }, [hear]);

  const endSession = useCallback(() => {
    setCsrfToken(null);
    setState((before) => (before.is === "signed-in" ? { is: "expired" } : before));
  }, []);

  useEffect(() => hear(asked), [hear, asked]);
  useEffect(() => onSessionExpired(endSession), [endSession]);
  useEffect(() => {
    // What one session has seen is not for the next.
    if (state.is === "signed-out" || state.is === "expired") queries.clear();
  }, [state.is, queries]);

  const sessions = useMemo<Sessions>(
    () => ({
      state,
      askAgain,
      endSession,
      async signIn(credentials) {
        setState({ is: "signed-in", session: await calls.signIn(credentials) });
      },
      async signOut() {
        if (state.is === "signed-in") await calls.signOut(state.session);
        setState({ is: "signed-out" });
      },
    }),
    [state, askAgain, endSession],
  );
  return <Context value={sessions}>{children}</Context>;
}

export function useSessions(): Sessions {
  const sessions = useContext(Context);
  if (sessions === null) throw new Error("outside of SessionProvider");
  return sessions;
}

/** The session of who is signed in; for views, which nobody else sees. */
export function useSession(): Session {
  const { state } = useSessions();
  if (state.is !== "signed-in") throw new Error("nobody is signed in");
  return state.session;
}

/** Whether the session's key may change anything; a reader sees no buttons. */
export function useCanEdit(): boolean {
  const { scopes } = useSession();
  return scopes.includes("journeys:write") || scopes.includes("admin");
}

export function useCurrency(): string {
  return useSession().company.currency;
}
