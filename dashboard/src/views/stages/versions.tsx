import { Button, Tag } from "antd";
import { Link, useNavigate } from "react-router";
import type { RulebookVersion } from "../../api/types";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { formatDateTime } from "../../format/dates";
import { formatNumber } from "../../format/numbers";
import { useVersions } from "../../rulebook/api";
import { describeDifferences } from "../../rulebook/differences";
import { useCanEditRules, useCurrency } from "../../session/session";
import { ruleStrings } from "../../strings/rules";
import { actorName } from "./actor-name";
import { Differences } from "./conflict-dialog";
import "../../rulebook.css";

/** Every version of the rules, with what it changed in sentences. */
export default function RuleVersions() {
  const query = useVersions();
  const t = ruleStrings.ruleVersions;
  return (
    <Page
      title={t.title}
      documentTitle={t.title}
      subtitle={t.lead}
      extra={<Link to="/stages">{ruleStrings.stageEditor.back}</Link>}
    >
      <QueryView query={query} rows={10}>
        {({ versions }) => (
          <ol className="rule-versions">
            {versions.map((version, index) => (
              <Version key={version.version} version={version} earlier={versions[index + 1]} />
            ))}
          </ol>
        )}
      </QueryView>
    </Page>
  );
}

function Version({ version, earlier }: { version: RulebookVersion; earlier: RulebookVersion | undefined }) {
  const canEdit = useCanEditRules();
  const currency = useCurrency();
  const navigate = useNavigate();
  const t = ruleStrings.ruleVersions;
  const number = formatNumber(version.version);
  const date = formatDateTime(version.effective_at);
  const isFirst = earlier === undefined;
  return (
    <li>
      <Panel
        title={
          <>
            {t.version(number)} {version.is_current && <Tag color="success">{t.current}</Tag>}
            {version.run_actions && <Tag>{t.ranActions}</Tag>}
          </>
        }
        extra={
          <span className="buttons">
            {version.is_current && !isFirst && (
              <Link to={`/stages/rollouts/${version.version}`} aria-label={t.rolloutOf(number)}>
                {t.rollout}
              </Link>
            )}
            {canEdit && !version.is_current && (
              <Button
                aria-label={t.restoreVersion(number)}
                onClick={() => navigate(`/stages/versions/${version.version}/restore`)}
              >
                {t.restore}
              </Button>
            )}
          </span>
        }
      >
        <p className="secondary">
          {version.actor === "system" ? t.began(date) : t.by(actorName(version.actor), date)}
          {version.restores !== null && ` · ${t.restores(formatNumber(version.restores))}`}
        </p>
        {version.actor !== "system" && <p className="user-text">{version.reason ?? t.noReason}</p>}
        {isFirst ? (
          <p>{t.first}</p>
        ) : (
          <Differences title={t.changes} sentences={describeDifferences(earlier, version, currency)} />
        )}
      </Panel>
    </li>
  );
}
