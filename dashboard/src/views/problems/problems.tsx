import { Button, Empty } from "antd";
import { useCallback, useState } from "react";
import { fetchNewestProblems, useProblemCounts, useProblems } from "../../api/action-problems";
import type { ActionProblem } from "../../api/types";
import { CursorPagination } from "../../components/cursor-pagination";
import { DataList } from "../../components/data-list";
import { lazyComponent } from "../../components/lazy-component";
import { Page } from "../../components/page";
import { Panel } from "../../components/panel";
import { sumCounts } from "../../components/problem-counts";
import { QueryView } from "../../components/query-view";
import { actionLabel } from "../../format/labels";
import { formatNumber } from "../../format/numbers";
import { useCanEdit } from "../../session/session";
import { strings } from "../../strings";
import { columns, isRetryable } from "./columns";
import { Filters } from "./filters";
import { type ProblemSearch, toProblemQuery, useProblemSearch } from "./problem-search";
import { MAX_RETRIES } from "./retry-in-chunks";

const RetryDialog = lazyComponent(() => import("./retry-dialog"), null);

const PAGE_SIZE = 50;

/** Failed and held-back actions of all customers, and trying them again. */
export default function Problems() {
  const { search, change } = useProblemSearch();
  const t = strings.problems;
  return (
    <Page title={strings.views.problems} documentTitle={strings.views.problems} subtitle={t.lead}>
      <Panel>
        <Filters search={search} change={change} counts={useProblemCounts() ?? []} />
        {search.problem !== null && <p className="secondary problem-hint">{t.hints[search.problem]}</p>}
        {/* The key resets page and selection when the filter changes. */}
        <ProblemList key={JSON.stringify(search)} search={search} change={change} />
      </Panel>
    </Page>
  );
}

interface Props {
  search: ProblemSearch;
  change(search: Partial<ProblemSearch>): void;
}

function ProblemList({ search, change }: Props) {
  const [cursors, setCursors] = useState<string[]>([]);
  const [selected, setSelected] = useState<ReadonlyMap<string, ActionProblem>>(new Map());
  const [load, setLoad] = useState<(() => Promise<readonly ActionProblem[]>) | null>(null);
  const canEdit = useCanEdit();
  const counts = useProblemCounts() ?? [];
  const cursor = cursors.at(-1);
  const query = useProblems({ ...toProblemQuery(search), limit: PAGE_SIZE, ...(cursor ? { cursor } : {}) });
  const t = strings.problems;
  const retry = useCallback((actions: readonly ActionProblem[]) => setLoad(() => async () => actions), []);
  const retryAll = () => setLoad(() => () => fetchNewestProblems(toProblemQuery(search), MAX_RETRIES));
  const matching = sumCounts(
    counts,
    ({ problem, action }) =>
      problem === search.problem && (search.action === null || action === search.action),
  );
  const canRetryAll =
    canEdit && matching.value > 0 && (search.problem === "failed" || search.problem === "suppressed");

  return (
    <QueryView query={query} rows={10}>
      {(data) => {
        const byId = new Map(data.actions.map((action) => [String(action.id), action]));
        const selectable = data.actions.filter(isRetryable);
        return (
          <>
            {selected.size > 0 ? (
              <SelectionToolbar
                count={selected.size}
                onRetry={() => retry([...selected.values()])}
                clearSelection={() => setSelected(new Map())}
              />
            ) : (
              canRetryAll && (
                <p className="retry-all">
                  <Button onClick={retryAll}>{t.retryAll(matching.shown)}</Button>
                </p>
              )
            )}
            <DataList
              label={t.table}
              rows={data.actions}
              rowKey={(row) => String(row.id)}
              columns={columns(canEdit ? (action) => retry([action]) : null)}
              isLoading={query.isPlaceholderData}
              selection={
                canEdit && selectable.length > 0
                  ? {
                      selectedIds: [...selected.keys()],
                      onChange: (ids) =>
                        setSelected(
                          new Map(
                            ids.flatMap((id) => {
                              const action = byId.get(id) ?? selected.get(id);
                              return action === undefined ? [] : [[id, action]];
                            }),
                          ),
                        ),
                      isSelectable: (id) => {
                        const action = byId.get(id);
                        return action !== undefined && isRetryable(action);
                      },
                      labelFor: (id) => {
                        const action = byId.get(id);
                        if (action === undefined) return id;
                        return t.select(
                          actionLabel(action.action),
                          action.customer_name ?? action.customer_id,
                        );
                      },
                      selectAllLabel: t.selectAll,
                    }
                  : undefined
              }
              empty={<NoProblems search={search} change={change} />}
            />
            <CursorPagination cursors={cursors} next={data.next_cursor} onChange={setCursors} />
            {load !== null && (
              <RetryDialog
                load={load}
                onClose={(finished) => {
                  setLoad(null);
                  if (finished) setSelected(new Map());
                }}
              />
            )}
          </>
        );
      }}
    </QueryView>
  );
}

interface ToolbarProps {
  count: number;
  onRetry(): void;
  clearSelection(): void;
}

function SelectionToolbar({ count, onRetry, clearSelection }: ToolbarProps) {
  const t = strings.problems;
  const text = t.selected(formatNumber(count), count);
  return (
    <section className="bulk-toolbar" aria-label={text}>
      <strong role="status">{text}</strong>
      <div className="buttons compact">
        <Button size="small" type="primary" onClick={onRetry}>
          {t.retry}
        </Button>
        <Button size="small" onClick={clearSelection}>
          {t.clearSelection}
        </Button>
      </div>
    </section>
  );
}

function NoProblems({ search, change }: Props) {
  const t = strings.problems;
  if (search.problem === null && search.action === null)
    return (
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.empty}>
        <p className="secondary">{t.emptyHint}</p>
      </Empty>
    );
  return (
    <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t.noMatches}>
      <Button onClick={() => change({ problem: null, action: null })}>{t.clearFilters}</Button>
    </Empty>
  );
}
