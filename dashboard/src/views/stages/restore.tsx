import { Alert } from "antd";
import { useState } from "react";
import { Link, Navigate, useNavigate, useParams } from "react-router";
import { Page } from "../../components/page";
import { QueryView } from "../../components/query-view";
import { formatNumber } from "../../format/numbers";
import { cancelPreview, useRulesToEdit, useVersions } from "../../rulebook/api";
import { useCanEditRules } from "../../session/session";
import { strings } from "../../strings";
import { ruleStrings } from "../../strings/rules";
import { ConflictDialog } from "./conflict-dialog";
import type { VersionedRulebook } from "./editor/stage-editor";
import { RulePreview } from "./preview/rule-preview";

/** Preview of an earlier version of the rules, from which it can be restored. */
export default function RestoreVersion() {
  const version = Number(useParams().version);
  const canEdit = useCanEditRules();
  const current = useRulesToEdit();
  const versions = useVersions();
  const title = ruleStrings.rulePreview.restoreTitle(formatNumber(version));
  const earlier = versions.data?.versions.find((one) => one.version === version);
  if (!canEdit) return <Navigate to="/stages/versions" replace />;
  if (current.data !== undefined && earlier !== undefined)
    return <Restore title={title} initial={current.data} earlier={earlier} />;
  return (
    <Page title={title} documentTitle={title}>
      {versions.data !== undefined && earlier === undefined ? (
        <Alert
          type="warning"
          showIcon
          title={strings.common.notFound}
          description={<Link to="/stages/versions">{ruleStrings.rulePreview.backToVersions}</Link>}
        />
      ) : (
        <QueryView query={current}>{() => <QueryView query={versions}>{() => null}</QueryView>}</QueryView>
      )}
    </Page>
  );
}

function Restore({
  title,
  initial,
  earlier,
}: {
  title: string;
  initial: VersionedRulebook;
  earlier: VersionedRulebook;
}) {
  const [base, setBase] = useState(initial);
  const [hasConflict, setHasConflict] = useState(false);
  const navigate = useNavigate();
  return (
    <>
      <RulePreview
        key={base.version}
        title={title}
        backText={ruleStrings.rulePreview.backToVersions}
        proposal={{ version: earlier.version }}
        changed={earlier}
        base={base}
        firstPreview={null}
        onBack={(running) => {
          if (running !== null) void cancelPreview(running).catch(() => undefined);
          navigate("/stages/versions");
        }}
        onConflict={() => setHasConflict(true)}
        onInvalid={() => undefined}
        onApplied={({ version, rollout_id }) =>
          navigate(rollout_id === null ? "/stages" : `/stages/rollouts/${version}`, { replace: true })
        }
      />
      {hasConflict && (
        <ConflictDialog
          base={base}
          mine={earlier}
          onKeep={(theirs) => {
            setBase(theirs);
            setHasConflict(false);
          }}
          onTake={() => navigate("/stages/versions")}
          onClose={() => setHasConflict(false)}
        />
      )}
    </>
  );
}
