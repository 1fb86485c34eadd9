import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSessionExpired, setCsrfToken } from "../api/client";
import * as sessionApi from "../api/session";
import type { Session } from "../api/shapes";

/** `asking` at the start; `unreachable` when nobody answered that; `expired` is signed out against one's will. */
export type SessionState =
  | { status: "asking" | "unreachable" | "signed-out" | "expired" }
  | { status: "signed-in"; session: Session };

interface Sessions {
  state: SessionState;
  signIn(credentials: sessionApi.Credentials): Promise<void>;
  signOut(): Promise<void>;
  retry(): void;
  /** The gateway says that the session is over. */
  endSession(): void;
}

const Context = createContext<Sessions | null>(null);

interface Props {
  /** the session of who opens the page, which has been asked for already */
  initialSession: Promise<Session | null>;
  children: ReactNode;
}

export function SessionProvider({ initialSession, children }: Props) {
  const [state, setState] = useState<SessionState>({ status: "asking" });
  const queries = useQueryClient();

  const resolveSession = useCallback((initialSession: Promise<Session | null>) => {
    // Who has signed in fallback stays so.
    const finishLoading = (state: SessionState) =>
      setState((current) => (current.status === "asking" ? state : current));
    initialSession.then(
      (session) =>
        finishLoading(session === null ? { status: "signed-out" } : { status: "signed-in", session }),
      () => finishLoading({ status: "unreachable" }),
    );
  }, []);

  const retry = useCallback(() => {
    setState({ status: "asking" });
    resolveSession(sessionApi.currentSession());
  }, [resolveSession]);

  const endSession = useCallback(() => {
    setCsrfToken(null);
    setState((current) => (current.status === "signed-in" ? { status: "expired" } : current));
  }, []);

  useEffect(() => resolveSession(initialSession), [resolveSession, initialSession]);
  useEffect(() => onSessionExpired(endSession), [endSession]);
  useEffect(() => {
    // What one session has seen is not for the next.
    if (state.status === "signed-out" || state.status === "expired") queries.clear();
  }, [state.status, queries]);

  const value = useMemo<Sessions>(
    () => ({
      state,
      retry,
      endSession,
      async signIn(credentials) {
        setState({ status: "signed-in", session: await sessionApi.signIn(credentials) });
      },
      async signOut() {
        if (state.status === "signed-in") await sessionApi.signOut(state.session);
        setState({ status: "signed-out" });
      },
    }),
    [state, retry, endSession],
  );
  return <Context value={value}>{children}</Context>;
}

export function useSessions(): Sessions {
  const value = useContext(Context);
  if (value === null) throw new Error("outside of SessionProvider");
  return value;
}

/** The session of who is signed in; for views, which nobody else sees. */
export function useSession(): Session {
  const { state } = useSessions();
  if (state.status !== "signed-in") throw new Error("nobody is signed in");
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
