import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Dashboard } from "./app";
import "./style.css";
import "./lists.css";
import "./views.css";
import "./visits.css";
import "./analytics.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <Dashboard />
  </StrictMode>,
);
