import { useProblemCounts } from "../api/action-problems";
import { FAILURES, HELD_BACK, sumCounts } from "../components/problem-counts";
import { formatNumber } from "../format/numbers";
import { strings } from "../strings";

/** The menu is narrow; the page and the tooltip have the exact numbers. */
const MAX_SHOWN = 99;

/** The number of failed actions, in red, and of held-back ones; nothing if there are none. */
export function ProblemsBadge() {
  const counts = useProblemCounts() ?? [];
  const t = strings.problems;
  const atMost = t.atLeast(formatNumber(MAX_SHOWN));
  const badges = [
    {
      className: "failures",
      count: sumCounts(counts, ({ problem }) => FAILURES.includes(problem)),
      text: t.failures,
    },
    {
      className: "held-back",
      count: sumCounts(counts, ({ problem }) => HELD_BACK.includes(problem)),
      text: t.heldBack,
    },
  ].filter(({ count }) => count.value > 0);
  return (
    <span className="nav-badges">
      {badges.map(({ className, count, text }) => (
        <span key={className} className={`nav-badge ${className}`} title={text(count.shown, count.value)}>
          <span aria-hidden>{count.value > MAX_SHOWN ? atMost : count.shown}</span>
          <span className="visually-hidden">{text(count.shown, count.value)}</span>
        </span>
      ))}
    </span>
  );
}
