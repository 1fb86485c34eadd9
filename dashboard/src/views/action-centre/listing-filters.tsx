import { Checkbox, Select } from "antd";
import { useStages } from "../../api/queries";
import { useRiskLevels } from "../../components/use-risk-levels";
import { formatShare } from "../../format/numbers";
import { strings } from "../../strings";
import { GROUPS, type Group, type Listing, listableStages, UNLIKELY } from "./listing";

interface Props {
  listing: Listing;
  onChange(changes: Partial<Listing>): void;
}

/** Who is listed: a group, stages of it, and on request customers who have left. */
export function ListingFilters({ listing, onChange }: Props) {
  const stages = listableStages(useStages().data?.stages ?? [], listing);
  const levels = useRiskLevels();
  const t = strings.actionCentre;
  const limits: Record<Group, string> = {
    at_risk: "",
    high_risk: levels === null ? "" : formatShare(levels.high - 0.01),
    unlikely: formatShare(UNLIKELY),
  };
  return (
    <>
      <Select<Group>
        aria-label={t.show}
        className="listing-group"
        popupMatchSelectWidth={false}
        value={listing.group}
        onChange={(group) => onChange({ group, stages: [] })}
        options={GROUPS.map((group) => ({ value: group, label: t.groups[group](limits[group]) }))}
      />
      {stages.length > 1 && (
        <Select
          aria-label={strings.customers.stage}
          mode="multiple"
          maxTagCount="responsive"
          showSearch={false}
          placeholder={strings.customers.anyStage}
          value={listing.stages}
          onChange={(selected: string[]) => onChange({ stages: selected })}
          options={stages.map((stage) => ({ value: stage.stage_key, label: stage.stage_name }))}
        />
      )}
      {listing.group !== "unlikely" && (
        <Checkbox
          className="with-lost"
          checked={listing.withLost}
          onChange={({ target }) => onChange({ withLost: target.checked, stages: [] })}
        >
          {t.withLost}
        </Checkbox>
      )}
    </>
  );
}
