import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { onSessionExpired, setCsrfToken } from "../api/client";
import * as sessionApi from "../api/session";
import type { Session } from "../api/types";

/** `loading` at the start; `unreachable` if the server did not respond; `expired` if the server ended the session. */
export type SessionState =
  | { status: "loading" | "unreachable" | "signed-out" | "expired" }
  | { status: "signed-in"; session: Session };

interface Sessions {
  state: SessionState;
  signIn(credentials: sessionApi.Credentials): Promise<void>;
  signOut(): Promise<void>;
  retry(): void;
  /** Called when the server has ended the session. */
  endSession(): void;
}

const Context = createContext<Sessions | null>(null);

interface Props {
  /** the session request started before rendering */
  initialSession: Promise<Session | null>;
  children: ReactNode;
}

export function SessionProvider({ initialSession, children }: Props) {
  const [state, setState] = useState<SessionState>({ status: "loading" });
  const queries = useQueryClient();

  const resolveSession = useCallback((initialSession: Promise<Session | null>) => {
    // Do not overwrite a sign-in that completed in the meantime.
    const finishLoading = (state: SessionState) =>
      setState((current) => (current.status === "loading" ? state : current));
    initialSession.then(
      (session) =>
        finishLoading(session === null ? { status: "signed-out" } : { status: "signed-in", session }),
      () => finishLoading({ status: "unreachable" }),
    );
  }, []);

  const retry = useCallback(() => {
    setState({ status: "loading" });
    resolveSession(sessionApi.currentSession());
  }, [resolveSession]);

  const endSession = useCallback(() => {
    setCsrfToken(null);
    setState((current) => (current.status === "signed-in" ? { status: "expired" } : current));
  }, []);

  useEffect(() => resolveSession(initialSession), [resolveSession, initialSession]);
  useEffect(() => onSessionExpired(endSession), [endSession]);
  useEffect(() => {
    // Do not show data of one session to the next.
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
  if (value === null) throw new Error("useSessions must be used inside SessionProvider");
  return value;
}

/** Return the current session. Only for components inside `RequireSession`. */
export function useSession(): Session {
  const { state } = useSessions();
  if (state.status !== "signed-in") throw new Error("useSession requires a signed-in user");
  return state.session;
}

/** Whether the session may make changes; read-only users see no action buttons. */
export function useCanEdit(): boolean {
  const { scopes } = useSession();
  return scopes.includes("journeys:write") || scopes.includes("admin");
}

/** Whether the session may change stages and rules. */
export function useCanEditRules(): boolean {
  return useSession().scopes.includes("admin");
}

/** Whether the session may retract events. */
export function useCanRetract(): boolean {
  return useSession().scopes.includes("admin");
}

export function useCurrency(): string {
  return useSession().company.currency;
}
