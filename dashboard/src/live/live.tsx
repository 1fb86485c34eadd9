import { useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { currentSession } from "../api/session";
import { useSessions } from "../session/session";
import { type Connection, subscribeToChanges } from "./change-feed";
import { QueryInvalidator } from "./query-invalidator";

const Context = createContext<Connection>("connecting");

/** Keep the page's data up to date while signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const [connection, setConnection] = useState<Connection>("connecting");
  const queries = useQueryClient();
  const { endSession } = useSessions();

  useEffect(() => {
    const invalidator = new QueryInvalidator(queries);
    const stop = subscribeToChanges({
      onChanged: (customers) => invalidator.changed(customers),
      onConnection: setConnection,
      async checkServer() {
        if ((await currentSession()) === null) endSession();
      },
    });
    return () => {
      stop();
      invalidator.stop();
    };
  }, [queries, endSession]);

  return <Context value={connection}>{children}</Context>;
}

export function useConnection(): Connection {
  return useContext(Context);
}
