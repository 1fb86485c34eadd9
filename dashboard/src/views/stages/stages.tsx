import { EditOutlined, HistoryOutlined } from "@ant-design/icons";
import { Button } from "antd";
import { useNavigate } from "react-router";
import { useStages } from "../../api/queries";
import { Page } from "../../components/page";
import { QueryView } from "../../components/query-view";
import { useCanEditRules } from "../../session/session";
import { strings } from "../../strings";
import { ruleStrings } from "../../strings/rules";
import { StageCard } from "./stage-card";

const KINDS = ["growth", "lapse"] as const;

/** The company's stages and their rules as sentences; from here, those who may can edit them. */
export default function Stages() {
  const query = useStages();
  const canEdit = useCanEditRules();
  const navigate = useNavigate();
  const t = strings.stages;
  return (
    <Page
      title={strings.views.stages}
      documentTitle={strings.views.stages}
      subtitle={t.lead}
      extra={
        <span className="buttons">
          <Button icon={<HistoryOutlined aria-hidden />} onClick={() => navigate("/stages/versions")}>
            {ruleStrings.stageEditor.history}
          </Button>
          {canEdit && (
            <Button
              type="primary"
              icon={<EditOutlined aria-hidden />}
              onClick={() => navigate("/stages/edit")}
            >
              {ruleStrings.stageEditor.edit}
            </Button>
          )}
        </span>
      }
    >
      <QueryView query={query} rows={12}>
        {({ stages }) =>
          KINDS.filter((kind) => stages.some((stage) => stage.kind === kind)).map((kind) => (
            <section key={kind} aria-labelledby={kind} className="stage-group">
              <h2 id={kind}>{t[kind]}</h2>
              <ol className="stage-cards">
                {stages
                  .filter((stage) => stage.kind === kind)
                  .map((stage) => (
                    <StageCard key={stage.stage_key} stage={stage} isFirst={stage === stages[0]} />
                  ))}
              </ol>
            </section>
          ))
        }
      </QueryView>
    </Page>
  );
}
