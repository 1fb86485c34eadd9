import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { App, ConfigProvider } from "antd";
import { lazy, Suspense, useState } from "react";
import { BrowserRouter, Navigate, Route, Routes } from "react-router";
import { worthAnotherTry } from "./api/reads";
import { Broken } from "./parts/broken";
import { Loading } from "./parts/loading";
import { SessionProvider } from "./session/session";
import { SignedIn } from "./session/signed-in";
import { Shell } from "./shell/shell";
import { themeFor, useDark } from "./theme";
import { SignIn } from "./views/sign-in/sign-in";

// Each view is loaded when it is first gone to; the charts come later still, by themselves.
const ActionCentre = lazy(() => import("./views/action-centre/action-centre"));
const Analytics = lazy(() => import("./views/analytics/analytics"));
const Customers = lazy(() => import("./views/customers/customers"));
const Journey = lazy(() => import("./views/journey/journey"));
const NotFound = lazy(() => import("./views/not-found"));
const Stages = lazy(() => import("./views/stages/stages"));

function makeQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // The browser's idea of being online says nothing of the gateway: always ask.
      queries: {
        retry: worthAnotherTry,
        networkMode: "always",
        staleTime: 2_000,
        refetchOnWindowFocus: true,
      },
      mutations: { networkMode: "always" },
    },
  });
}

export function Dashboard() {
  const [queries] = useState(makeQueries);
  const dark = useDark();
  return (
    <ConfigProvider theme={themeFor(dark)}>
      <App className="dashboard">
        <Broken>
          <QueryClientProvider client={queries}>
            <BrowserRouter>
              <SessionProvider>
                <Suspense fallback={<Loading />}>
                  <Pages />
                </Suspense>
              </SessionProvider>
            </BrowserRouter>
          </QueryClientProvider>
        </Broken>
      </App>
    </ConfigProvider>
  );
}

function Pages() {
  return (
    <Routes>
      <Route path="/sign-in" element={<SignIn />} />
      <Route
        element={
          <SignedIn>
            <Shell />
          </SignedIn>
        }
      >
        <Route index element={<Navigate to="/action-centre" replace />} />
        <Route path="action-centre" element={<ActionCentre />} />
        <Route path="customers" element={<Customers />} />
        <Route path="customers/:customerId" element={<Journey />} />
        <Route path="analytics" element={<Analytics />} />
        <Route path="stages" element={<Stages />} />
        <Route path="*" element={<NotFound />} />
      </Route>
    </Routes>
  );
}
