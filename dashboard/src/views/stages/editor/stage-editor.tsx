import { App, Modal } from "antd";
import { useMemo, useReducer, useState } from "react";
import { Navigate, useNavigate } from "react-router";
import { Problem } from "../../../api/problem";
import { errorMessage } from "../../../components/error-alert";
import { Page } from "../../../components/page";
import { QueryView } from "../../../components/query-view";
import { beginPreview, cancelPreview, useRulesToEdit } from "../../../rulebook/api";
import { describeDifferences } from "../../../rulebook/differences";
import { type Draft, type Rulebook, toDraft, toRulebook } from "../../../rulebook/draft";
import { startHistory, stepHistory } from "../../../rulebook/edits";
import { draftProblems, type ServerProblem, serverProblems, stillThere } from "../../../rulebook/problems";
import { useCanEditRules, useCurrency } from "../../../session/session";
import { ruleStrings } from "../../../strings/rules";
import { ConflictDialog } from "../conflict-dialog";
import { RulePreview } from "../preview/rule-preview";
import { EditingProvider } from "./editing";
import { EditorBar } from "./editor-bar";
import { EditorForm, focusField } from "./editor-form";
import { useLeaveGuard } from "./use-leave-guard";
import "../../../rulebook.css";

export interface VersionedRulebook extends Rulebook {
  version: number;
}

/** The editor of stages, rules and scores: changes are previewed, and then applied as a new version. */
export default function StageEditor() {
  const canEdit = useCanEditRules();
  const query = useRulesToEdit();
  const t = ruleStrings.stageEditor;
  if (!canEdit) return <Navigate to="/stages" replace />;
  if (query.data !== undefined) return <Editor initial={query.data} />;
  return (
    <Page title={t.title} documentTitle={t.title} subtitle={t.lead}>
      <QueryView query={query} rows={12}>
        {() => null}
      </QueryView>
    </Page>
  );
}

function Editor({ initial }: { initial: VersionedRulebook }) {
  const [base, setBase] = useState(initial);
  const [history, step] = useReducer(stepHistory, initial, (rules) => startHistory(toDraft(rules)));
  const [checked, setChecked] = useState(false);
  const [fromServer, setFromServer] = useState<readonly ServerProblem[]>([]);
  const [previewId, setPreviewId] = useState<number | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [hasConflict, setHasConflict] = useState(false);
  const [announcement, announce] = useState("");
  const { message } = App.useApp();
  const [modal, modalHolder] = Modal.useModal();
  const navigate = useNavigate();
  const currency = useCurrency();
  const t = ruleStrings.stageEditor;
  const draft = history.present;

  const start = useMemo(() => toDraft(base), [base]);
  const changed = useMemo(() => toRulebook(draft), [draft]);
  const differences = useMemo(
    () => describeDifferences(toRulebook(start), changed, currency),
    [start, changed, currency],
  );
  const isDirty = differences.length > 0;
  const problems = useMemo(() => {
    const found = checked ? draftProblems(draft) : [];
    const fields = new Set(found.map(({ field }) => field));
    return [...found, ...stillThere(fromServer, draft).filter(({ field }) => !fields.has(field))];
  }, [checked, draft, fromServer]);
  const editing = useMemo(
    () => ({
      edit: (change: (draft: Draft) => Draft, field?: string) => step({ type: "change", change, field }),
      problems,
      currency,
      announce,
    }),
    [problems, currency],
  );

  useLeaveGuard(isDirty, (leave) => {
    void modal.confirm({
      title: t.leaveTitle,
      content: t.leaveText,
      okText: t.leave,
      cancelText: t.keepEditing,
      onOk: leave,
    });
  });

  async function preview() {
    setChecked(true);
    setFromServer([]);
    const [first] = draftProblems(draft);
    if (first !== undefined) {
      requestAnimationFrame(() => focusField(first.field));
      return;
    }
    setIsBusy(true);
    try {
      setPreviewId(await beginPreview(changed, null));
      window.scrollTo(0, 0);
    } catch (error) {
      showRefusal(error as Error);
    } finally {
      setIsBusy(false);
    }
  }

  function showRefusal(error: Error) {
    if (!(error instanceof Problem) || error.status !== 422 || error.fields.length === 0) {
      message.error(errorMessage(error));
      return;
    }
    const found = serverProblems(error.fields, draft);
    setFromServer(found);
    setPreviewId(null);
    requestAnimationFrame(() => focusField(found[0]?.field ?? ""));
  }

  function startFrom(rules: VersionedRulebook, keepsMine: boolean) {
    setHasConflict(false);
    setBase(rules);
    if (keepsMine) {
      setPreviewId(null);
      void preview();
      return;
    }
    setPreviewId(null);
    setChecked(false);
    setFromServer([]);
    step({ type: "start", draft: toDraft(rules) });
  }

  const dialogs = (
    <>
      {modalHolder}
      {hasConflict && (
        <ConflictDialog
          base={base}
          mine={changed}
          onKeep={(theirs) => startFrom(theirs, true)}
          onTake={(theirs) => startFrom(theirs, false)}
          onClose={() => setHasConflict(false)}
        />
      )}
    </>
  );

  if (previewId !== null)
    return (
      <>
        <RulePreview
          key={`${base.version} ${previewId}`}
          title={ruleStrings.rulePreview.title}
          backText={ruleStrings.rulePreview.backToEditing}
          proposal={changed}
          changed={changed}
          base={base}
          firstPreview={previewId}
          onBack={(running) => {
            if (running !== null) void cancelPreview(running).catch(() => undefined);
            setPreviewId(null);
          }}
          onConflict={() => setHasConflict(true)}
          onInvalid={showRefusal}
          onApplied={({ version, rollout_id }) =>
            navigate(rollout_id === null ? "/stages" : `/stages/rollouts/${version}`, { replace: true })
          }
        />
        {dialogs}
      </>
    );
  return (
    <EditingProvider value={editing}>
      <Page title={t.title} documentTitle={t.title} subtitle={t.lead}>
        <EditorForm
          draft={draft}
          unused={base.stages.filter((stage) => !stage.is_active || !inDraft(draft, stage))}
        />
        <EditorBar
          history={history}
          differences={differences}
          isDirty={isDirty}
          isBusy={isBusy}
          onUndo={() => step({ type: "undo" })}
          onRedo={() => step({ type: "redo" })}
          onDiscard={() => {
            setChecked(false);
            setFromServer([]);
            step({ type: "start", draft: toDraft(base) });
          }}
          onPreview={preview}
        />
        <p className="visually-hidden" role="status">
          {announcement}
        </p>
      </Page>
      {dialogs}
    </EditingProvider>
  );
}

function inDraft(draft: Draft, { stage_key }: Rulebook["stages"][number]): boolean {
  return draft.stages.some((stage) => stage.key === stage_key);
}
