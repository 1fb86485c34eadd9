import { useStages } from "../../api/reads";
import { Page } from "../../parts/page";
import { Shown } from "../../parts/shown";
import { words } from "../../words";
import { StageCard } from "./stage-card";

const KINDS = ["growth", "lapse"] as const;

/** The company's stages and rules in words. */
export default function Stages() {
  const query = useStages();
  const said = words.stages;
  return (
    <Page title={words.views.stages} tab={words.views.stages} lead={said.lead}>
      <Shown query={query} rows={12}>
        {({ stages }) =>
          KINDS.filter((kind) => stages.some((stage) => stage.kind === kind)).map((kind) => (
            <section key={kind} aria-labelledby={kind} className="stage-group">
              <h2 id={kind}>{said[kind]}</h2>
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
      </Shown>
    </Page>
  );
}
