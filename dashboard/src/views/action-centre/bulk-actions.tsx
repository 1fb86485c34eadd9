import { Button } from "antd";
import { useEffect, useState } from "react";
import { OUTREACH } from "../../api/mutations";
import type { Outreach } from "../../api/types";
import { lazyComponent } from "../../components/lazy-component";
import { OUTREACH_ICONS } from "../../components/outreach-button";
import { formatNumber } from "../../format/numbers";
import { strings } from "../../strings";

const BulkActionModal = lazyComponent(() => import("./bulk-action-modal"), null);

interface Props {
  customers: readonly string[];
  nameOf(id: string): string;
  clearSelection(): void;
}

/** Toolbar with the actions for all selected customers. */
export function BulkActions({ customers, nameOf, clearSelection }: Props) {
  const [pending, setAsked] = useState<{ type: Outreach; customers: readonly string[] } | null>(null);
  useEffect(BulkActionModal.preload, []);
  const { actionCentre, outreach } = strings;
  const count = formatNumber(customers.length);
  return (
    <section className="bulk-toolbar" aria-label={actionCentre.selected(count, customers.length)}>
      <strong role="status">{actionCentre.selected(count, customers.length)}</strong>
      <div className="buttons compact">
        {OUTREACH.map((type) => (
          <Button
            key={type}
            size="small"
            type="primary"
            icon={OUTREACH_ICONS[type]}
            aria-label={outreach.labelFor(outreach[type], actionCentre.selected(count, customers.length))}
            onClick={() => setAsked({ type, customers })}
          >
            {outreach[type]}
          </Button>
        ))}
        <Button size="small" onClick={clearSelection}>
          {actionCentre.clearSelection}
        </Button>
      </div>
      {pending !== null && (
        <BulkActionModal
          {...pending}
          nameOf={nameOf}
          onClose={(finished) => {
            setAsked(null);
            if (finished) clearSelection();
          }}
        />
      )}
    </section>
  );
}
