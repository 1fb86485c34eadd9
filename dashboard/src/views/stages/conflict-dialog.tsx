import { Button, Modal } from "antd";
import { TextSkeleton } from "../../components/loading";
import { QueryView } from "../../components/query-view";
import { formatDateTime } from "../../format/dates";
import { formatNumber } from "../../format/numbers";
import { useVersions } from "../../rulebook/api";
import { describeDifferences } from "../../rulebook/differences";
import type { Rulebook } from "../../rulebook/draft";
import { useCurrency } from "../../session/session";
import { ruleStrings } from "../../strings/rules";
import { actorName } from "./actor-name";
import type { VersionedRulebook } from "./editor/stage-editor";

interface Props {
  /** the version that the changes were made from */
  base: VersionedRulebook;
  mine: Rulebook;
  onKeep(theirs: VersionedRulebook): void;
  onTake(theirs: VersionedRulebook): void;
  onClose(): void;
}

/** Dialog for changes that were made from a version that is no longer in force. */
export function ConflictDialog({ base, mine, onKeep, onTake, onClose }: Props) {
  const versions = useVersions();
  const currency = useCurrency();
  const t = ruleStrings.ruleConflict;
  // Versions that were read before may not have the one in force.
  const theirs = versions.isFetching ? undefined : versions.data?.versions.find((one) => one.is_current);
  return (
    <Modal
      open
      title={t.title}
      width={640}
      onCancel={onClose}
      footer={
        <>
          <Button disabled={theirs === undefined} onClick={() => theirs && onTake(theirs)}>
            {t.take}
          </Button>
          <Button type="primary" disabled={theirs === undefined} onClick={() => theirs && onKeep(theirs)}>
            {t.keep}
          </Button>
        </>
      }
    >
      <QueryView query={versions} rows={6}>
        {() =>
          theirs === undefined ? (
            <TextSkeleton rows={6} />
          ) : (
            <>
              <p>
                {t.by(
                  actorName(theirs.actor),
                  formatDateTime(theirs.effective_at),
                  formatNumber(theirs.version),
                )}{" "}
                {theirs.reason && t.reason(theirs.reason)}
              </p>
              <Differences title={t.theirs} sentences={describeDifferences(base, theirs, currency)} />
              <Differences title={t.mine} sentences={describeDifferences(base, mine, currency)} />
              <p>
                <strong>{t.keep}</strong>: {t.keepHint} <strong>{t.take}</strong>: {t.takeHint}
              </p>
            </>
          )
        }
      </QueryView>
    </Modal>
  );
}

export function Differences({ title, sentences }: { title: string; sentences: readonly string[] }) {
  return (
    <>
      <h3>{title}</h3>
      <DifferenceList sentences={sentences} />
    </>
  );
}

export function DifferenceList({ sentences }: { sentences: readonly string[] }) {
  if (sentences.length === 0) return <p className="secondary">{ruleStrings.ruleDifferences.none}</p>;
  return (
    <ul className="difference-list">
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}
