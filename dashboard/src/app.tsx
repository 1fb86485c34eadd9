import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App, ConfigProvider } from "antd";
import { useState } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { shouldRetry } from "./api/queries";
import { currentSession } from "./api/session";
import { ErrorBoundary } from "./components/error-boundary";
import { RequireSession } from "./session/require-session";
import { SessionProvider } from "./session/session";
import { Shell } from "./shell/shell";
import { themeFor, useDark } from "./theme";
import { NotFound, preloadView, SignIn, VIEWS } from "./views/views";

// Start these requests before the first render.
const session = currentSession();
preloadView(location.pathname);

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // `navigator.onLine` says nothing about a server on the local network: always send requests.
      queries: {
        retry: shouldRetry,
        networkMode: "always",
        staleTime: 2_000,
        refetchOnWindowFocus: true,
      },
      mutations: { networkMode: "always" },
    },
  });
}

export function Dashboard() {
  const [queries] = useState(createQueryClient);
  const dark = useDark();
  return (
    <ConfigProvider theme={themeFor(dark)} getPopupContainer={popupContainer}>
      <App className="dashboard">
        <ErrorBoundary>
          <QueryClientProvider client={queries}>
            <BrowserRouter>
              <SessionProvider initialSession={session}>
                <Pages />
              </SessionProvider>
            </BrowserRouter>
          </QueryClientProvider>
        </ErrorBoundary>
      </App>
    </ConfigProvider>
  );
}

/** Render popups inside the landmark or dialog of their trigger, where screen readers expect them. */
function popupContainer(trigger?: HTMLElement): HTMLElement {
  return trigger?.closest<HTMLElement>("main, header, [role=dialog]") ?? document.body;
}

function Pages() {
  return (
    <Routes>
      <Route path="/sign-in" element={<SignIn />} />
      <Route
        element={
          <RequireSession>
            <Shell />
          </RequireSession>
        }
      >
        <Route index element={<Navigate to="/action-centre" replace />} />
        {VIEWS.map(({ path, View }) => (
          <Route key={path} path={path} element={<View />} />
        ))}
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
