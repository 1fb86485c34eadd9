import { useStages } from "../../api/queries";
import { Page } from "../../components/page";
import { QueryView } from "../../components/query-view";
import { strings } from "../../strings";
import { StageCard } from "./stage-card";

const KINDS = ["growth", "lapse"] as const;

/** The company's stages and their rules as sentences. */
export default function Stages() {
  const query = useStages();
  const t = strings.stages;
  return (
    <Page title={strings.views.stages} documentTitle={strings.views.stages} subtitle={t.lead}>
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
