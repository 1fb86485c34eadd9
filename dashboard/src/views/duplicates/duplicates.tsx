import { App, Button, Empty } from "antd";
import { useState } from "react";
import { Link } from "react-router";
import type { DuplicatePair } from "../../api/types";
import { CursorPagination } from "../../components/cursor-pagination";
import { DataList } from "../../components/data-list";
import { errorMessage } from "../../components/error-alert";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { QueryView } from "../../components/query-view";
import { MergeDialog } from "../../merging/merge-dialog";
import { useCanMerge, useDismissPair, useDuplicates } from "../../merging/merges";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { columns, nameOf } from "./columns";

/** Pairs of customers who may be one person, the surest first. */
export default function Duplicates() {
  const [cursors, setCursors] = useState<string[]>([]);
  const [pair, setPair] = useState<DuplicatePair | null>(null);
  const query = useDuplicates(cursors.at(-1));
  const dismiss = useDismissPair();
  const { message } = App.useApp();
  const canEdit = useCanEdit();
  const canMerge = useCanMerge();
  const t = strings.duplicates;

  async function handleDismiss({ customers: [one, other] }: DuplicatePair) {
    if (!one || !other) return;
    try {
      await dismiss.mutateAsync([one.customer_id, other.customer_id]);
      message.success(t.dismissed);
    } catch (error) {
      message.error(errorMessage(error as Error));
    }
  }

  function actions(row: DuplicatePair) {
    const [one = "", other = ""] = row.customers.map(nameOf);
    return (
      <div className="buttons">
        {canMerge && (
          <Button
            size="small"
            type="primary"
            aria-label={strings.merges.openOf(one, other)}
            onClick={() => setPair(row)}
          >
            {t.merge}
          </Button>
        )}
        {canEdit && (
          <Button size="small" aria-label={t.dismissOf(one, other)} onClick={() => handleDismiss(row)}>
            {t.dismiss}
          </Button>
        )}
      </div>
    );
  }

  const [customer, other] = pair?.customers ?? [];
  return (
    <Page
      title={t.title}
      documentTitle={t.title}
      subtitle={t.lead}
      extra={<Link to="/customers">{strings.journey.back}</Link>}
    >
      <Panel>
        <QueryView query={query} rows={10}>
          {(data) => (
            <>
              <DataList
                label={t.list}
                rows={data.duplicates}
                rowKey={({ customers }) => customers.map((each) => each.customer_id).join(" ")}
                columns={columns(canEdit ? actions : null)}
                isLoading={query.isPlaceholderData}
                empty={
                  <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.none}>
                    <p className="secondary">{t.noneHint}</p>
                  </Empty>
                }
              />
              <CursorPagination cursors={cursors} next={data.next_cursor} onChange={setCursors} />
            </>
          )}
        </QueryView>
      </Panel>
      {customer && other && <MergeDialog customer={customer} other={other} onClose={() => setPair(null)} />}
    </Page>
  );
}
