import { Route, Routes } from "react-router";
import NotFound from "../not-found";
import StageEditor from "./editor/stage-editor";
import RestoreVersion from "./restore";
import Rollout from "./rollout";
import RuleVersions from "./versions";

/** The pages below `/stages`. One chunk, because the first view lists the files of every chunk. */
export default function RulePages() {
  return (
    <Routes>
      <Route path="edit" element={<StageEditor />} />
      <Route path="versions" element={<RuleVersions />} />
      <Route path="versions/:version/restore" element={<RestoreVersion />} />
      <Route path="rollouts/:version" element={<Rollout />} />
      <Route path="*" element={<NotFound />} />
    </Routes>
  );
}
